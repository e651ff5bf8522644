// The tasks of a board, made from its broadcasts alone: what is kept of them is all that there is, so that the demo needs
// no database. Now and then somebody broadcasts the whole board, from which a newcomer begins.

/** Broadcasts after which somebody says the whole board again; well below what a board's room keeps (500). */
const SNAPSHOT_EVERY = 150

export const COLUMNS = [
  ['todo', 'To do'],
  ['doing', 'Doing'],
  ['done', 'Done'],
]

export class Tasks {
  /** By id. */
  all = new Map()
  /** The place in the room's numbering up to which `all` is right. */
  at = null
  /** Since the last broadcast that said the whole board. */
  #sinceSnapshot = 0

  /** Takes a broadcast that follows. Returns the id of the task that it is about, '' if it is about many. */
  take({ destination, data, epoch, seq, ts }) {
    if (this.at && this.at.epoch === epoch && seq <= this.at.seq) return undefined
    this.at = { epoch, seq }
    this.#sinceSnapshot += 1
    switch (destination) {
      case 'create-task':
        this.all.set(data.id, { column: 'todo', order: seq, updatedAt: ts, ...data })
        return data.id
      case 'update-task': {
        const task = this.all.get(data.id)
        if (task) this.all.set(data.id, { ...task, ...data.diff, by: data.by, updatedAt: data.updatedAt })
        return data.id
      }
      case 'delete-task':
        this.all.delete(data.id)
        return data.id
      case 'board-restored':
        for (const task of data.tasks) if (!this.all.has(task.id)) this.all.set(task.id, task)
        return ''
      case 'board-snapshot':
        this.#sinceSnapshot = 0
    }
    return undefined
  }

  /**
   * Begins anew from a room's kept broadcasts. Says whether they reach back far enough to know the whole board.
   */
  rebuild(broadcasts) {
    const last = broadcasts.findLastIndex(({ destination }) => destination === 'board-snapshot')
    const from = last < 0 ? undefined : broadcasts[last].data
    this.all = new Map(from?.tasks.map((task) => [task.id, task]))
    this.at = null
    for (const broadcast of broadcasts) if (!from || broadcast.seq > from.upTo) this.take(broadcast)
    if (from) this.#sinceSnapshot = broadcasts.length - last
    return from !== undefined || broadcasts.length === 0 || broadcasts[0].seq === 1
  }

  /** The whole board in one broadcast, for who comes later. */
  snapshot() {
    return { upTo: this.at?.seq ?? 0, tasks: [...this.all.values()] }
  }

  get wantsSnapshot() {
    return this.#sinceSnapshot >= SNAPSHOT_EVERY
  }

  /** Of one column, from the top. */
  in(column) {
    return [...this.all.values()].filter((task) => task.column === column).sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  }
}
