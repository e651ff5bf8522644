// A handle on a room. Several on the same room share one membership; the last one to leave ends it.

import type { GatewayEvents } from './domain.js'
import type { Channel, Resync, RoomStatus } from './channel.js'
import type { HallwayClient } from './client.js'
import { Cell, type Store, type Unsubscribe } from './emitter.js'
import { HallwayError } from './errors.js'
import type { Broadcast, Endpoints, Numbers } from './wire.js'
import { MessageList } from './messages.js'
import { People } from './people.js'
import { Typing } from './typing.js'

/** An application's events by name, with what their `data` is; the gateway's own stand beside them. */
export type EventMap<Own extends object> = Own & Omit<GatewayEvents, keyof Own>

export class Room<Own extends object = object> {
  readonly name: string
  readonly #client: HallwayClient
  readonly #channel: Channel
  readonly #release: () => void
  readonly #unsubscribes = new Set<Unsubscribe>()
  readonly #status: Cell<RoomStatus>
  #hasLeft = false
  #messages: MessageList | undefined
  #people: People | undefined
  #typing: Typing | undefined

  /** @internal Made by `client.join` and `client.listen`. */
  constructor(client: HallwayClient, channel: Channel, release: () => void) {
    this.#client = client
    this.#channel = channel
    this.#release = release
    this.name = channel.name
    this.#status = new Cell(channel.status.value)
    this.#keep(channel.status.subscribe(() => this.#status.set(channel.status.value)))
  }

  get status(): Store<RoomStatus> {
    return this.#status
  }

  /** Hears broadcasts of one destination, until the handle is left. */
  on<Name extends keyof EventMap<Own> & string>(
    destination: Name,
    listener: (data: EventMap<Own>[Name], broadcast: Broadcast) => void,
  ): Unsubscribe
  on(destination: string, listener: (data: unknown, broadcast: Broadcast) => void): Unsubscribe
  on(destination: string, listener: (data: never, broadcast: Broadcast) => void): Unsubscribe {
    return this.onAny((broadcast) => {
      if (broadcast.destination === destination) listener(broadcast.data as never, broadcast)
    })
  }

  /** Hears every broadcast. */
  onAny(listener: (broadcast: Broadcast) => void): Unsubscribe {
    return this.#keep(this.#channel.emitter.on('broadcast', listener))
  }

  /** Hears where something may be missing. Rooms that number nothing cannot tell: see `client.connection` for those. */
  onResync(listener: (resync: Resync) => void): Unsubscribe {
    return this.#keep(this.#channel.emitter.on('resync', listener))
  }

  /** Hears of each return after a lost connection, and how many broadcasts were caught up with. */
  onReturned(listener: (returned: { missed: number }) => void): Unsubscribe {
    return this.#keep(this.#channel.emitter.on('returned', listener))
  }

  /** Waits until the room is joined. Fails with the server's refusal, or with `closed` when the handle is left. */
  ready(): Promise<this> {
    return new Promise((resolve, reject) => {
      let stop: Unsubscribe = () => undefined
      const look = () => {
        const status = this.#status.value
        if (status.state === 'joining' || status.state === 'listening') return
        stop()
        if (status.state === 'joined') resolve(this)
        else if (status.state === 'refused') reject(status.error)
        else if (status.state === 'removed') reject(new HallwayError('forbidden', status.reason, 'refused'))
        else reject(new HallwayError('closed', `the handle on ${this.name} was left`, 'not-sent'))
      }
      stop = this.#status.subscribe(look)
      look()
    })
  }

  /**
   * Publishes, and waits for the acknowledgement with its number. This client does not hear it, having the number, unless
   * `includeSelf` is set. After an error whose outcome is `unknown` it may be heard all the same.
   */
  broadcast<Name extends keyof EventMap<Own> & string>(
    destination: Name,
    data: EventMap<Own>[Name],
    options?: { includeSelf?: boolean },
  ): Promise<Numbers>
  broadcast(destination: string, data: unknown, options?: { includeSelf?: boolean }): Promise<Numbers>
  broadcast(destination: string, data: unknown, options: { includeSelf?: boolean } = {}): Promise<Numbers> {
    return this.#client.request('rooms.broadcast', { room: this.name, destination, data, ...options })
  }

  /** Who is in it, on all nodes. */
  info(): Promise<Endpoints['rooms.info']['data']> {
    return this.#client.request('rooms.info', { room: this.name })
  }

  /** Where its numbering stands. */
  state(): Promise<Endpoints['rooms.state']['data']> {
    return this.#client.request('rooms.state', { room: this.name })
  }

  /** Its kept broadcasts, the oldest first. */
  history(page: { afterSeq?: number; limit?: number } = {}): Promise<Endpoints['rooms.history']['data']> {
    return this.#client.request('rooms.history', { room: this.name, ...page })
  }

  /** Its stored messages, and those that wait to be sent. Loaded from the first use on. */
  get messages(): MessageList {
    this.#messages ??= new MessageList(this.#client, this)
    // Of a handle that was left nothing listens on.
    if (this.#hasLeft) this.#messages.dispose()
    return this.#messages
  }

  /** Who is in it, kept up to date from the first use on. */
  get people(): People {
    this.#people ??= new People(this.#client, this)
    // Of a handle that was left nothing listens on.
    if (this.#hasLeft) this.#people.dispose()
    return this.#people
  }

  /** Who writes, and saying that one does. */
  get typing(): Typing {
    this.#typing ??= new Typing(this.#client, this)
    // Of a handle that was left nothing listens on.
    if (this.#hasLeft) this.#typing.dispose()
    return this.#typing
  }

  /** Ends this handle and everything that listens on it. Leaves the room if it was the last handle. */
  leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#typing?.dispose()
    this.#people?.dispose()
    this.#messages?.dispose()
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    this.#unsubscribes.clear()
    this.#release()
    this.#status.set({ state: 'left' })
  }

  #keep(unsubscribe: Unsubscribe): Unsubscribe {
    if (this.#hasLeft) {
      unsubscribe()
      return unsubscribe
    }
    const both = () => {
      this.#unsubscribes.delete(both)
      unsubscribe()
    }
    this.#unsubscribes.add(both)
    return both
  }
}
