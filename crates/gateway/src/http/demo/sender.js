// What this page says to the board: one after the other, and again after a lost connection until it is known to have been
// heard. Each carries an id by which its own broadcast is known, and doing it twice does no harm.

const AGAIN_MS = 300
/** Own broadcasts whose ids are remembered. */
const MOST_HEARD = 200

export class Sender {
  #room
  #client
  #failed
  #waiting = []
  #heard = new Set()
  #isSending = false

  /** `failed(what, error)`: refused for good. */
  constructor(room, client, failed) {
    this.#room = room
    this.#client = client
    this.#failed = failed
  }

  /** Not known to be heard yet, the oldest first. */
  get waiting() {
    return this.#waiting
  }

  send(destination, data) {
    this.#waiting.push({ destination, data: { ...data, op: crypto.randomUUID?.() ?? `${Math.random()}` } })
    void this.#run()
  }

  /** A broadcast of one's own came: it need not be said again. */
  heard(op) {
    if (!op) return
    this.#heard.add(op)
    if (this.#heard.size > MOST_HEARD) this.#heard.delete(this.#heard.values().next().value)
    this.#waiting = this.#waiting.filter(({ data }) => data.op !== op)
  }

  async #run() {
    if (this.#isSending) return
    this.#isSending = true
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const isDone = await this.#try(next)
      if (isDone) this.#waiting = this.#waiting.filter((one) => one !== next)
      else await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
    this.#isSending = false
  }

  async #try({ destination, data }) {
    if (this.#heard.has(data.op)) return true
    // Before it is said again, what was missed has to come: it may be among that.
    if (this.#client.connection.value.state !== 'connected' || !this.#client.isJoined(this.#room.name)) return false
    try {
      await this.#room.broadcast(destination, data, { includeSelf: true })
      return true
    } catch (error) {
      const isRefused = error.outcome === 'refused' && !['unavailable', 'rate-limited', 'not-in-room'].includes(error.code)
      if (isRefused) this.#failed(destination, error)
      return isRefused
    }
  }
}
