// Who writes in a room. Never stored and never numbered: what is missed is forgotten after a while.

import type { HallwayClient } from './client.js'
import { Cell, type Store, type Unsubscribe } from './emitter.js'
import type { Room } from './room.js'
import { Timer } from './timer.js'

/** The server forgets who is silent for 10 s; said at most this often. Milliseconds. */
const SAY_EVERY = 5_000
/** Who has not typed for so long has stopped. */
const IDLE = 5_000
/** How long someone counts as writing after the last word of it: a little more than the server's own 10 s. */
const FORGET = 12_000

export class Typing {
  readonly #client: HallwayClient
  readonly #room: string
  readonly #users = new Cell<readonly string[]>([])
  readonly #forget = new Map<string, Timer>()
  readonly #idle = new Timer()
  readonly #unsubscribes: Unsubscribe[]
  /** When it was last said that this user writes; nothing while they do not. */
  #saidAt: number | undefined

  constructor(client: HallwayClient, room: Room) {
    this.#client = client
    this.#room = room.name
    this.#unsubscribes = [
      room.on('typing-started', ({ userId }) => this.#started(userId)),
      room.on('typing-stopped', ({ userId }) => this.#stopped(userId)),
      room.on('user-left', ({ userId }) => this.#stopped(userId)),
      room.on('new-message', ({ fromUserId }) => this.#stopped(fromUserId)),
      // The server forgot it with the connection.
      client.connection.subscribe(() => (this.#saidAt = undefined)),
      // A message ends it for the server too.
      client.outbox.onTaken((name) => name === room.name && this.#sent()),
    ]
  }

  /** The others who write, in the order in which they began. */
  get users(): Store<readonly string[]> {
    return this.#users
  }

  /** Call it at every keystroke: it is said once in a while, and that it is over when no more come. */
  start(): void {
    this.#idle.set(IDLE, () => this.stop())
    const now = Date.now()
    if (this.#saidAt !== undefined && now - this.#saidAt < SAY_EVERY) return
    if (this.#client.connection.value.state !== 'connected') return
    this.#saidAt = now
    this.#client.say('typing.start', { room: this.#room })
  }

  /** Says that it is over, if anything was said. A sent message says it too. */
  stop(): void {
    this.#idle.clear()
    if (this.#saidAt === undefined) return
    this.#saidAt = undefined
    this.#client.say('typing.stop', { room: this.#room })
  }

  dispose(): void {
    this.stop()
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    for (const timer of this.#forget.values()) timer.clear()
    this.#forget.clear()
    this.#users.set([])
  }

  #sent(): void {
    this.#idle.clear()
    this.#saidAt = undefined
  }

  #started(userId: string): void {
    const { value } = this.#client.connection
    if (value.state === 'connected' && value.userId === userId) return
    const timer = this.#forget.get(userId) ?? new Timer()
    this.#forget.set(userId, timer)
    timer.set(FORGET, () => this.#stopped(userId))
    if (!this.#users.value.includes(userId)) this.#users.set([...this.#users.value, userId])
  }

  #stopped(userId: string): void {
    this.#forget.get(userId)?.clear()
    if (this.#forget.delete(userId)) this.#users.set(this.#users.value.filter((other) => other !== userId))
  }
}
