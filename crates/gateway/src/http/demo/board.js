// The board: columns of cards that are dragged, or moved with their buttons.

import { COLUMNS, Tasks } from './tasks.js'
import { Sender } from './sender.js'
import { $, avatar, make, words } from './page.js'

export class Board {
  #room
  #user
  #log
  #tasks = new Tasks()
  #sender
  /** Broadcasts that come while the kept ones are read. */
  #held = null
  #dragged = undefined
  /** By column: its list, and where its number stands. */
  #columns = new Map()
  /** By task: the card, and what it shows. */
  #cards = new Map()

  constructor(room, client, user, log) {
    this.#room = room
    this.#user = user
    this.#log = log
    this.#sender = new Sender(room, client, (what, error) => log.tell(`${what} was refused: ${words(error)}`, 'bad'))
    $('columns').replaceChildren(...COLUMNS.map(([column, title]) => this.#column(column, title)))
    room.onAny((broadcast) => (this.#held ? this.#held.push(broadcast) : this.#take(broadcast)))
    room.onResync(() => void this.#load())
    room.status.subscribe(() => this.#entered())
    this.#entered()
    this.#draw()
  }

  #entered() {
    const { state, error } = this.#room.status.value
    if (state === 'joined' && this.#held === null && this.#tasks.at === null) void this.#load()
    if (state === 'refused') $('board-note').textContent = `This board cannot be opened: ${words(error)}`
  }

  /** Reads what is kept of the board's broadcasts; those that come meanwhile are taken after it. */
  async #load() {
    if (this.#held) return
    this.#held = []
    const [before, known] = [this.#tasks.at, [...this.#tasks.all.values()]]
    try {
      const kept = await this.#readHistory()
      const isWhole = this.#tasks.rebuild(kept)
      // Another epoch: Redis lost the numbering, and what was kept with it.
      if (known.length > 0 && before.epoch !== kept.at(-1)?.epoch) this.#restore(known)
      $('board-note').textContent = isWhole ? '' : 'The oldest part of this board is no longer kept.'
    } catch (error) {
      // The connection is away: it is asked again on its return.
      setTimeout(() => void this.#load(), 1_000)
      if (error.outcome === 'refused') $('board-note').textContent = words(error)
    }
    const held = this.#held
    this.#held = null
    for (const broadcast of held) this.#take(broadcast)
    this.#draw()
  }

  async #readHistory() {
    const kept = []
    for (;;) {
      const page = await this.#room.history({ afterSeq: kept.at(-1)?.seq ?? 0, limit: 1_000 })
      kept.push(...page.broadcasts)
      if (page.broadcasts.length === 0 || !page.state || kept.at(-1).seq >= page.state.seq) return kept
    }
  }

  /** The board was lost, but not what this page knows of it: it tells the others. */
  #restore(tasks) {
    this.#sender.send('board-restored', { tasks, by: this.#user })
    this.#log.tell('The board was lost; this page still had it, and told the others.', 'good')
  }

  #take(broadcast) {
    this.#sender.heard(broadcast.data?.op)
    const id = this.#tasks.take(broadcast)
    if (id === undefined) return
    this.#draw()
    if (broadcast.data.by !== this.#user) this.#flash(id)
    else if (this.#tasks.wantsSnapshot) this.#sender.send('board-snapshot', { ...this.#tasks.snapshot(), by: this.#user })
  }

  #flash(id) {
    const card = this.#cards.get(id)?.element
    if (!card) return
    card.classList.remove('flash')
    // Reading it makes the animation begin anew.
    void card.offsetWidth
    card.classList.add('flash')
  }

  #add(column, title) {
    const id = crypto.randomUUID?.() ?? String(Math.random()).slice(2)
    this.#sender.send('create-task', { id, title, column, order: this.#endOf(column), by: this.#user })
    this.#draw()
  }

  #update(task, diff) {
    const data = { id: task.id, diff, by: this.#user, updatedAt: Date.now(), baseUpdatedAt: task.updatedAt }
    this.#sender.send('update-task', data)
    this.#draw()
  }

  #move(task, by) {
    const place = COLUMNS.findIndex(([column]) => column === task.column) + by
    const column = COLUMNS[place]?.[0]
    if (column) this.#update(task, { column, order: this.#endOf(column) })
  }

  #endOf(column) {
    return (this.#tasks.in(column).at(-1)?.order ?? 0) + 1
  }

  /** The tasks as they are once everything that was said here is heard. */
  #shown() {
    const shown = new Tasks()
    shown.all = new Map(this.#tasks.all)
    for (const [place, { destination, data }] of this.#sender.waiting.entries()) {
      if (destination === 'board-snapshot') continue
      shown.take({ destination, data, epoch: 'here', seq: place + 1, ts: Date.now() })
      if (shown.all.has(data.id)) shown.all.set(data.id, { ...shown.all.get(data.id), isWaiting: true })
    }
    return shown
  }

  #draw() {
    // A card that is being dragged must stay where it is.
    if (this.#dragged) return
    const shown = this.#shown()
    const focused = document.activeElement?.closest?.('.task') && [document.activeElement.closest('.task').dataset.task, document.activeElement.dataset.does]
    for (const [column, { list, number }] of this.#columns) {
      const tasks = shown.in(column)
      number.textContent = String(tasks.length)
      arrange(list, tasks.map((task) => this.#card(task)))
    }
    for (const id of this.#cards.keys()) if (!shown.all.has(id)) this.#cards.delete(id)
    // Who works with the keyboard goes on with the same card.
    if (focused) {
      const card = this.#cards.get(focused[0])?.element
      const button = card?.querySelector(`[data-does="${focused[1]}"]:enabled`) ?? card?.querySelector('button:enabled')
      if (button !== document.activeElement) button?.focus()
    }
  }

  #column(column, title) {
    const list = make('ol', { className: 'cards' })
    const number = make('span', { className: 'number' }, '0')
    const input = make('input', { maxLength: 120, placeholder: 'Add a task', autocomplete: 'off', 'aria-label': `Add a task to ${title}` })
    const form = make('form', { className: 'add' }, input)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = input.value.trim()
      input.value = ''
      if (text) this.#add(column, text)
    })
    const element = make('section', { className: 'column', 'aria-label': title }, make('h2', {}, title, ' ', number), list, form)
    element.addEventListener('dragover', (event) => this.#dragged && event.preventDefault())
    element.addEventListener('drop', (event) => this.#drop(event, column))
    this.#columns.set(column, { list, number })
    return element
  }

  #drop(event, column) {
    event.preventDefault()
    const task = this.#dragged
    this.#dragged = undefined
    if (!task) return
    const others = this.#shown().in(column).filter(({ id }) => id !== task.id)
    const below = others.findIndex(({ id }) => {
      const { top, height } = this.#cards.get(id).element.getBoundingClientRect()
      return event.clientY < top + height / 2
    })
    const place = below < 0 ? others.length : below
    const [before, after] = [others[place - 1]?.order, others[place]?.order]
    const order = before === undefined ? (after ?? 2) - 1 : after === undefined ? before + 1 : (before + after) / 2
    this.#update(task, { column, order })
  }

  /** The card of a task: the same element for as long as it shows the same. */
  #card(task) {
    const looks = JSON.stringify(task)
    const known = this.#cards.get(task.id)
    if (known?.looks === looks) return known.element
    const element = this.#makeCard(task)
    this.#cards.set(task.id, { element, looks })
    return element
  }

  #makeCard(task) {
    const place = COLUMNS.findIndex(([column]) => column === task.column)
    const button = (text, label, onclick, isOff = false) =>
      make('button', { type: 'button', onclick, disabled: isOff, 'aria-label': `${label}: ${task.title}`, title: label, 'data-does': label }, text)
    const remove = () => {
      this.#sender.send('delete-task', { id: task.id, by: this.#user })
      this.#draw()
    }
    const foot = make(
      'span',
      { className: 'foot' },
      avatar(task.by ?? '?'),
      make('span', { className: 'by' }, task.isWaiting ? 'sending' : (task.by ?? '')),
      button('←', 'Move left', () => this.#move(task, -1), place === 0),
      button('→', 'Move right', () => this.#move(task, 1), place === COLUMNS.length - 1),
      button('×', 'Delete', remove),
    )
    const className = `task${task.isWaiting ? ' waiting' : ''}`
    const card = make('li', { className, draggable: true, 'data-task': task.id }, make('span', { className: 'title' }, task.title), foot)
    card.addEventListener('dragstart', (event) => {
      this.#dragged = task
      event.dataTransfer.effectAllowed = 'move'
      event.dataTransfer.setData('text/plain', task.title)
      card.classList.add('dragged')
    })
    card.addEventListener('dragend', () => {
      this.#dragged = undefined
      card.classList.remove('dragged')
      this.#draw()
    })
    return card
  }
}

/** Puts elements into a list in this order, and leaves alone those that stand right: one that is moved cannot be dragged. */
function arrange(list, elements) {
  const wanted = new Set(elements)
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove()
  elements.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null)
  })
}
