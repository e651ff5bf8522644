// The client: one connection that comes back by itself, and the rooms that are heard over it.

import { Channel } from './channel.js'
import { Emitter, type Store, type Unsubscribe } from './emitter.js'
import { onWake } from './environment.js'
import type { Broadcast, Endpoints, Numbers, RoomsBroadcast } from './wire.js'
import type { Happening } from './ledger.js'
import { Lobbies } from './lobbies.js'
import { type ClientOptions, complete, type SessionOptions } from './options.js'
import { Outbox } from './outbox.js'
import { Presence } from './presence.js'
import { Room } from './room.js'
import { type ConnectionStatus, Session } from './session.js'

/** Every endpoint by name, with its arguments and its answer. */
export type AllEndpoints = Endpoints
/** Those that an application asks; opening, coming back and being in rooms are the client's own. */
export type EndpointName = Exclude<keyof AllEndpoints, 'auth.connect' | 'auth.resume' | 'rooms.join' | 'rooms.leave'>

/** Counted from the client's beginning. */
export interface Stats {
  broadcasts: number
  /** Broadcasts that came again and were dropped. */
  doubles: number
  resyncs: number
  /** Hellos, and those of them that answered a ticket. */
  connections: number
  resumed: number
  /** Messages that were refused because too many waited. */
  outboxRefused: number
}

export class HallwayClient<Own extends object = object> {
  readonly options: SessionOptions
  readonly stats: Stats = { broadcasts: 0, doubles: 0, resyncs: 0, connections: 0, resumed: 0, outboxRefused: 0 }
  readonly outbox: Outbox
  readonly presence: Presence
  readonly lobbies: Lobbies
  readonly #session: Session
  readonly #channels = new Map<string, Channel>()
  readonly #emitter = new Emitter<{ happening: Happening }>()
  #stopListening: Unsubscribe | undefined

  constructor(options: ClientOptions) {
    this.options = complete(options)
    this.#session = new Session(this.options, (happening) => this.#take(happening))
    this.#session.status.subscribe(() => this.#count(this.#session.status.value))
    this.outbox = new Outbox(this as HallwayClient, this.options.maxOutbox)
    this.presence = new Presence(this as HallwayClient)
    this.lobbies = new Lobbies(this as HallwayClient)
    if (options.autoConnect !== false) this.connect()
  }

  /** How the connection is. */
  get connection(): Store<ConnectionStatus> {
    return this.#session.status
  }

  /** Connects, if it was not told to yet, or was closed. Rooms are where they were. */
  connect(): void {
    this.#stopListening ??= onWake(() => this.#session.nudge())
    this.#session.start()
  }

  /** Closes and stays away. Handles stay, and hear again after `connect`. */
  close(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    this.#session.close()
  }

  /** Drops the connection without a word, and comes back as after any loss. */
  dropConnection(): void {
    this.#session.drop()
  }

  /** A handle on a room, which is joined for as long as there is one. Joined again by itself after every return. */
  join<Events extends object = Own>(name: string): Room<Events> {
    const channel = this.#open(name)
    channel.joins += 1
    const { state } = channel.status.value
    if (state === 'listening' || state === 'refused' || state === 'removed') channel.status.set({ state: 'joining' })
    this.#session.join(name)
    return new Room<Events>(this as HallwayClient, channel, () => {
      channel.joins -= 1
      if (channel.joins === 0) this.#leave(name)
      this.#release(channel)
    })
  }

  /** A handle on a room that is heard without being joined by name: one that is included in another, or the user's own. */
  listen<Events extends object = Own>(name: string): Room<Events> {
    const channel = this.#open(name)
    return new Room<Events>(this as HallwayClient, channel, () => this.#release(channel))
  }

  /** Hears everything that happens in any room, in order; for logs and demos. */
  onHappening(listener: (happening: Happening) => void): Unsubscribe {
    return this.#emitter.on('happening', listener)
  }

  /** Hears every broadcast of every room. */
  onBroadcast(listener: (broadcast: Broadcast) => void): Unsubscribe {
    return this.onHappening((happening) => happening.type === 'broadcast' && listener(happening.broadcast))
  }

  /** Asks, and waits for the acknowledgement. Fails with a `HallwayError`. */
  async request<Name extends EndpointName>(
    endpoint: Name,
    args: AllEndpoints[Name]['args'],
  ): Promise<AllEndpoints[Name]['data']> {
    const data = (await this.#session.request(endpoint, args)) as AllEndpoints[Name]['data']
    if (endpoint === 'rooms.broadcast') this.#noteOwn(args as RoomsBroadcast, data as Numbers)
    // A message's reply may carry the number of its broadcast, which its sender's connection does not hear.
    if (endpoint === 'messages.send') this.#noteOwn(args as { room: string }, data as unknown as Numbers)
    return data
  }

  /** Says something whose answer does not matter, if there is a connection. */
  say<Name extends EndpointName>(endpoint: Name, args: AllEndpoints[Name]['args']): void {
    this.#session.say(endpoint, args)
  }

  /** Says what this client is, and whether its user looks at it. */
  async update(client: { isActive?: boolean; device?: string }): Promise<void> {
    await this.request('client.update', client)
  }

  /** Whether a room is wanted and was entered. */
  isJoined(name: string): boolean {
    return this.#session.ledger.isWanted(name) && this.#session.ledger.isEntered(name)
  }

  #open(name: string): Channel {
    const channel = this.#channels.get(name) ?? new Channel(name)
    this.#channels.set(name, channel)
    channel.handles += 1
    if (this.#session.ledger.isEntered(name)) channel.status.set({ state: 'joined' })
    return channel
  }

  /** Leaves a room, and with it those that are included in it. */
  #leave(name: string): void {
    this.#session.leave(name)
    for (const channel of this.#channels.values()) {
      const isGone = channel.status.value.state === 'joined' && !this.#session.ledger.isEntered(channel.name)
      if (isGone || channel.name === name) channel.status.set({ state: 'listening' })
    }
  }

  #release(channel: Channel): void {
    channel.handles -= 1
    if (channel.handles === 0) this.#channels.delete(channel.name)
  }

  #noteOwn({ room, includeSelf }: { room: string; includeSelf?: boolean }, { epoch, seq }: Numbers): void {
    if (!includeSelf && epoch !== undefined && seq !== undefined) this.#session.ledger.noteOwn(room, { epoch, seq })
  }

  #take(happening: Happening): void {
    if (happening.type === 'broadcast') this.stats.broadcasts += 1
    if (happening.type === 'double') this.stats.doubles += 1
    if (happening.type === 'resync') this.stats.resyncs += 1
    const room = happening.type === 'broadcast' || happening.type === 'double' ? happening.broadcast.room : happening.room
    this.#channels.get(room)?.take(happening)
    this.#emitter.emit('happening', happening)
  }

  #count(status: ConnectionStatus): void {
    if (status.state !== 'connected') return
    this.stats.connections += 1
    if (status.resumed) this.stats.resumed += 1
  }
}

/** A client. It connects at once. */
export function createClient<Own extends object = object>(options: ClientOptions): HallwayClient<Own> {
  return new HallwayClient<Own>(options)
}
