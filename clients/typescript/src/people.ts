// Who is in a room: asked for, then kept up to date by the room's events.

import type { HallwayClient } from './client.js'
import { Cell, type Store, type Unsubscribe } from './emitter.js'
import { HallwayError } from './errors.js'
import type { RoomUser } from './wire.js'
import type { Room } from './room.js'
import { Timer } from './timer.js'

/** Between an event that does not say enough, or a failed question, and the next question. Milliseconds. */
const ASK_AGAIN = 1_000

/** The people of a room. Where its kind does not show them there are only counts. */
export interface PeopleView {
  users: readonly RoomUser[]
  userCount: number
  socketCount: number
  /** Whether it was asked for with success since the last connection began. */
  isFresh: boolean
}

export class People {
  readonly #client: HallwayClient
  readonly #room: Room
  readonly #view = new Cell<PeopleView>({ users: [], userCount: 0, socketCount: 0, isFresh: false })
  readonly #again = new Timer()
  readonly #unsubscribes: Unsubscribe[]
  /** Counted up with every event, so that an answer that is older than an event is asked for again. */
  #version = 0
  #isAsking = false
  #hasEnded = false

  constructor(client: HallwayClient, room: Room) {
    this.#client = client
    this.#room = room
    this.#unsubscribes = [
      room.on('user-joined', ({ userId, status }) => this.#put(userId, status ?? 'ONLINE')),
      room.on('user-left', ({ userId }) => this.#remove(userId)),
      room.on('presence-updated', ({ userId, status }) => this.#update(userId, status)),
      room.on('members-updated', () => this.#askSoon()),
      room.status.subscribe(() => this.#ask()),
      // Who came and went meanwhile was not numbered.
      room.onReturned(() => this.#ask()),
      room.onResync(() => this.#ask()),
      client.connection.subscribe(() => this.#connectionChanged()),
    ]
    this.#ask()
  }

  get view(): Store<PeopleView> {
    return this.#view
  }

  dispose(): void {
    this.#hasEnded = true
    this.#again.clear()
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
  }

  #connectionChanged(): void {
    if (this.#view.value.isFresh) this.#view.set({ ...this.#view.value, isFresh: false })
    this.#ask()
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#hasEnded || this.#client.connection.value.state !== 'connected') return
    this.#isAsking = true
    const version = this.#version
    try {
      const { users, userCount, socketCount } = await this.#room.info()
      if (!this.#hasEnded) this.#view.set({ users, userCount, socketCount, isFresh: true })
      if (version !== this.#version) this.#askSoon()
    } catch (thrown) {
      // What is refused for good is asked again only when something has changed.
      if (!(thrown instanceof HallwayError) || thrown.outcome === 'unknown') this.#askSoon()
    } finally {
      this.#isAsking = false
    }
  }

  #askSoon(): void {
    if (!this.#hasEnded && !this.#again.isSet) this.#again.set(ASK_AGAIN, () => void this.#ask())
  }

  #put(userId: string, status: string): void {
    const users = this.#view.value.users.filter((user) => user.userId !== userId)
    this.#set([...users, { userId, status, sockets: 1 }])
  }

  #update(userId: string, status: string): void {
    this.#set(this.#view.value.users.map((user) => (user.userId === userId ? { ...user, status } : user)))
  }

  #remove(userId: string): void {
    this.#set(this.#view.value.users.filter((user) => user.userId !== userId))
  }

  #set(users: RoomUser[]): void {
    this.#version += 1
    const socketCount = users.reduce((sum, user) => sum + user.sockets, 0)
    this.#view.set({ ...this.#view.value, users, userCount: users.length, socketCount })
  }
}
