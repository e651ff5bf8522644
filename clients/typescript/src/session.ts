// Between connections: when, where to, and with what to come back. The same rules as the Rust client's `session/task.rs`.

import { Backoff } from './backoff.js'
import { type Closed, Connection } from './connection.js'
import { Conversation, type Shared } from './conversation.js'
import { Cell, type Store } from './emitter.js'
import { asError, HallwayError } from './errors.js'
import { closeCodes, reconnects } from './generated.js'
import type { Hello, Position } from './wire.js'
import { type Happening, Ledger } from './ledger.js'
import type { SessionOptions } from './options.js'
import { Timer } from './timer.js'
import { Tokens } from './token.js'

/** The longest wait that a server can ask for, in milliseconds. */
const MOST_ASKED = 300_000
/** What the rooms of a resume may take of its frame: servers take 32 KiB from who has not shown anything yet. */
const RESUME_BYTES = 24_000

/** How the connection is. Times in Unix milliseconds of this side's clock. */
export type ConnectionStatus =
  /** Not started. */
  | { state: 'idle' }
  /** The first attempt is attempt 1; it counts on until a hello comes. */
  | { state: 'connecting'; attempt: number }
  | { state: 'connected'; node: string; clientId: string; userId: string | undefined; resumed: boolean }
  /** Lost, or not made; comes back by itself. */
  | { state: 'waiting'; attempt: number; code: number; reason: string; retryAt: number }
  /** For good: closed here, or by a server that does not want the client back. */
  | { state: 'closed'; code: number; reason: string }

/** What became of an attempt, so far. */
interface Attempt {
  connection?: Connection
  conversation?: Conversation
  withTicket: boolean
}

export class Session implements Shared {
  readonly ledger = new Ledger()
  readonly tokens: Tokens
  ticket: string | undefined
  readonly #status = new Cell<ConnectionStatus>({ state: 'idle' })
  readonly #backoff: Backoff
  readonly #wait = new Timer()
  #current: Attempt | undefined
  #attempts = 0
  /** Where to try next, counted on and on. */
  #turn = 0
  /** The token that was refused, while no hello has come since. */
  #refusedToken: string | null | undefined
  /** Whether it is the client's own word how long it waits. */
  #waitIsOwn = false

  constructor(
    readonly options: SessionOptions,
    readonly tell: (happening: Happening) => void,
  ) {
    this.tokens = new Tokens(options.token, options.connectTimeoutMs)
    this.#backoff = new Backoff(options.backoffFirstMs, options.backoffMostMs, options.random)
  }

  get status(): Store<ConnectionStatus> {
    return this.#status
  }

  /** Connects, if it was not started or is closed. */
  start(): void {
    const { state } = this.#status.value
    if (state === 'idle' || state === 'closed') void this.#attempt()
  }

  /** Wants to be in a room, now and after every return. */
  join(room: string): void {
    if (this.ledger.want(room)) this.#current?.conversation?.join(room)
  }

  leave(room: string): void {
    if (this.ledger.forget(room)) this.#current?.conversation?.leave(room)
  }

  /** Asks on the connection of the moment; fails with `disconnected` while there is none. */
  request(endpoint: string, args: unknown): Promise<unknown> {
    if (this.#current?.conversation && this.#current.connection) return this.#current.connection.request(endpoint, args)
    return Promise.reject(new HallwayError('disconnected', 'there is no connection at the moment', 'not-sent'))
  }

  /** Says something that has no reply, if there is a connection. */
  say(endpoint: string, args: unknown): void {
    if (this.#current?.conversation) this.#current.connection?.say(endpoint, args)
  }

  /** The network may have changed: whoever waits tries now, whoever is connected makes sure. */
  nudge(): void {
    this.#current?.conversation?.probe()
    if (!this.#wait.isSet || !this.#waitIsOwn) return
    this.#backoff.reset()
    this.#wait.set(this.#backoff.next(), () => void this.#attempt())
  }

  /** Drops the connection without a word, and comes back as after any loss. */
  drop(): void {
    this.#current?.connection?.drop('dropped')
  }

  /** Closes with 1000 and stays away. */
  close(): void {
    const current = this.#current
    this.#finish({ code: closeCodes.Normal.code, reason: '' })
    current?.connection?.close()
  }

  async #attempt(): Promise<void> {
    const attempt: Attempt = { withTicket: this.ticket !== undefined }
    this.#current = attempt
    this.#attempts += 1
    this.#status.set({ state: 'connecting', attempt: this.#attempts })
    let token: string | null = null
    try {
      if (!attempt.withTicket) token = await this.tokens.get('connect')
    } catch (thrown) {
      if (this.#current === attempt) this.#lost({ code: 1006, reason: `no token: ${asError(thrown).message}` })
      return
    }
    if (this.#current !== attempt) return
    if (!attempt.withTicket && token === this.#refusedToken) {
      return this.#finish({ code: closeCodes.Unauthenticated.code, reason: 'the token is still the one that was refused' })
    }
    try {
      attempt.connection = this.#connect(attempt, token)
    } catch (thrown) {
      // The address is none, or the page may not use it: trying again changes nothing.
      this.#finish({ code: closeCodes.BadFrame.code, reason: asError(thrown).message })
    }
  }

  #connect(attempt: Attempt, token: string | null): Connection {
    const { urls } = this.options
    const resume = { endpoint: 'auth.resume', args: { ticket: this.ticket, rooms: within(this.ledger.places()) } }
    const show = token === null ? undefined : { endpoint: 'auth.connect', args: { token } }
    const isAnswer = (hello: Hello) => (attempt.withTicket ? 'resumed' in hello : token === null || 'userId' in hello)
    const url = urls[this.#turn % urls.length] as string
    return new Connection({ ...this.options, url, first: attempt.withTicket ? resume : show, isAnswer }, {
      hello: (hello) => this.#greeted(attempt, hello),
      broadcast: (broadcast) => attempt.conversation?.hear(broadcast),
      goodbye: (goodbye) => attempt.conversation?.goodbye(goodbye),
      closed: (closed) => this.#ended(attempt, closed),
    })
  }

  #greeted(attempt: Attempt, hello: Hello): void {
    if (!attempt.connection || attempt.conversation) return
    this.#attempts = 0
    this.#refusedToken = undefined
    this.ticket = hello.resumeTicket
    attempt.conversation = new Conversation(this, attempt.connection, hello)
    const { node, clientId, userId } = hello
    this.#status.set({ state: 'connected', node, clientId, userId, resumed: attempt.withTicket })
    // Whoever was told may have closed the client.
    if (this.#current === attempt) attempt.conversation.begin(hello)
  }

  #ended(attempt: Attempt, closed: Closed): void {
    attempt.conversation?.end()
    if (this.#current !== attempt) return
    const { conversation } = attempt
    const is44xx = closed.code >= 4400 && closed.code <= 4499
    if (conversation) this.#backoff.lasted(Date.now() - conversation.since)
    else if (attempt.withTicket && is44xx && closed.code !== closeCodes.Revoked.code) {
      // Revoked is revoked, token or ticket; any other word against the ticket is only about it.
      this.ticket = undefined
      return void this.#attempt()
    }
    this.#turn += 1
    if (comesBack(closed.code)) {
      const until = conversation?.leaveUntil
      this.#lost(closed, until === undefined ? undefined : Math.max(0, until - Date.now()))
    } else if (closed.code === closeCodes.Unauthenticated.code && this.tokens.canRenew && this.#refusedToken === undefined) {
      // Not with what was refused, but the application may have another one.
      this.ticket = undefined
      this.#refusedToken = this.tokens.last
      this.#lost(closed)
    } else {
      this.#finish(closed)
    }
  }

  /** Waits to come back: as the server asks, or for a random time. */
  #lost({ code, reason }: Closed, askedMs?: number): void {
    this.#current = undefined
    this.#waitIsOwn = askedMs === undefined
    const ms = Math.min(askedMs ?? this.#backoff.next(), MOST_ASKED)
    this.#wait.set(ms, () => void this.#attempt())
    this.#status.set({ state: 'waiting', attempt: this.#attempts, code, reason, retryAt: Date.now() + ms })
  }

  #finish({ code, reason }: Closed): void {
    this.#current?.conversation?.end()
    this.#current = undefined
    this.#wait.clear()
    this.#attempts = 0
    this.#refusedToken = undefined
    this.ticket = undefined
    this.#status.set({ state: 'closed', code, reason })
  }
}

/**
 * What the gateway's own codes say, and three that proxies before it are fond of (RFC 6455 §7.4.1 and IANA's registry: no
 * code, internal error, bad gateway).
 */
function comesBack(code: number): boolean {
  return reconnects(code) || code === 1005 || code === 1011 || code === 1014
}

/** As many as the first frame may hold. The rest is asked for one by one, after the hello. */
function within(places: Map<string, Position | null>[]): Record<string, Position | null> {
  let bytes = 0
  const rooms: Record<string, Position | null> = {}
  for (const group of places) {
    for (const [room, at] of group) bytes += room.length + (at?.epoch.length ?? 0) + 48
    if (bytes > RESUME_BYTES) break
    Object.assign(rooms, Object.fromEntries(group))
  }
  return rooms
}
