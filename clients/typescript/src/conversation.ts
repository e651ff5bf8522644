// On one connection, from its hello on: into the rooms again, then everything in the order in which it came. The same
// rules as the Rust client's `session/connected.rs`.

import type { Connection, Result } from './connection.js'
import type { Broadcast, Entry, ErrorBody, Goodbye, Hello } from './wire.js'
import type { Answer, Happening, Ledger } from './ledger.js'
import { Lease } from './lease.js'
import type { SessionOptions } from './options.js'
import { Timer } from './timer.js'
import type { Tokens } from './token.js'

/** When a join is tried again that was refused for the moment only, unless the server says. Milliseconds. */
const AGAIN = 500

/** What a conversation shares with those before and after it. */
export interface Shared {
  readonly options: SessionOptions
  readonly ledger: Ledger
  readonly tokens: Tokens
  /** The newest resume ticket. */
  ticket: string | undefined
  tell(happening: Happening): void
}

export class Conversation {
  /** When the connection said hello, in milliseconds of this side's clock. */
  readonly since = Date.now()
  /** From the goodbye: when to come back, by this side's clock. */
  leaveUntil: number | undefined
  readonly #shared: Shared
  readonly #connection: Connection
  /** Joins without an answer yet. A server that answers none in time is left. */
  readonly #asked = new Set<string>()
  readonly #answerBy = new Timer()
  /** Joins to be tried again. */
  readonly #again = new Set<string>()
  readonly #againAt = new Timer()
  /** Rooms whose join met a `conflict` here: either the connection is closing, or they are too many. */
  readonly #conflicted = new Set<string>()
  readonly #lease: Lease

  constructor(shared: Shared, connection: Connection, hello: Hello) {
    this.#shared = shared
    this.#connection = connection
    this.#lease = new Lease(shared, connection, hello)
  }

  /** Settles what the hello says of rooms, and asks for the rest. */
  begin(hello: Hello): void {
    const { ledger } = this.#shared
    const positions = hello.positions ?? {}
    const settled = new Set<string>()
    for (const [room, entry] of Object.entries(hello.resumed ?? {})) {
      // The node joins it in any case, and says below where it stands.
      if (isRefusal(entry) && room in positions) continue
      this.#settle(room, isRefusal(entry) ? { error: entry.error } : { data: entry })
      settled.add(room)
    }
    for (const [room, at] of Object.entries(positions)) {
      if (!settled.has(room)) this.#tell(ledger.standInOwn(room, at))
    }
    for (const room of ledger.unsettled(settled)) if (!this.#asked.has(room)) this.join(room)
  }

  hear(broadcast: Broadcast): void {
    if (broadcast.destination === 'auth-expiring') this.#lease.expires()
    const happening = this.#shared.ledger.hear(broadcast)
    if (happening) this.#shared.tell(happening)
  }

  goodbye({ reconnectAfterMs }: Goodbye): void {
    this.leaveUntil = Date.now() + reconnectAfterMs
  }

  /** Asks to be let into a room, from where it was heard. */
  join(room: string): void {
    const { ledger, options } = this.#shared
    if (!ledger.isWanted(room)) return
    const resume = ledger.place(room)
    const includes = Object.fromEntries(ledger.placesIncluded(room))
    if (this.#asked.size === 0) this.#answerBy.set(options.requestTimeoutMs, () => this.#connection.drop('no answer to a join'))
    this.#asked.add(room)
    this.#connection.askInLine('rooms.join', { room, includes, ...(resume && { resume }) }, (result) => {
      this.#asked.delete(room)
      if (this.#asked.size > 0) this.#answerBy.set(options.requestTimeoutMs, () => this.#connection.drop('no answer to a join'))
      else this.#answerBy.clear()
      this.#settle(room, result)
    })
  }

  leave(room: string): void {
    this.#connection.say('rooms.leave', { room })
  }

  /** Finds out whether the connection is still there, for who has reason to doubt it. */
  probe(): void {
    this.#lease.probe()
  }

  /** Forgets all timers. */
  end(): void {
    this.#answerBy.clear()
    this.#againAt.clear()
    this.#lease.end()
  }

  /** Takes note of the answer to a join, or of a room's entry in the hello. */
  #settle(room: string, result: Result): void {
    const { ledger } = this.#shared
    if (!result.error) return this.#tell(ledger.enter(room, (result.data ?? {}) as Answer))
    const asked = ledger.askedAs(room)
    if (asked !== undefined && this.#passes(room, result.error)) return this.#joinLater(asked, result.error.retryAfterMs)
    if (ledger.forget(room)) return this.#shared.tell({ type: 'refused', room, error: result.error })
    const lost = ledger.lose(room)
    if (lost) this.#shared.tell(lost)
  }

  /** Whether a refusal is one for the moment only. */
  #passes(room: string, { code }: ErrorBody): boolean {
    if (code === 'conflict' && !this.#conflicted.has(room)) return Boolean(this.#conflicted.add(room))
    return code === 'unavailable' || code === 'rate-limited' || code === 'internal'
  }

  #joinLater(room: string, afterMs = AGAIN): void {
    this.#again.add(room)
    if (this.#againAt.isSet) return
    this.#againAt.set(Math.min(afterMs, this.#shared.options.backoffMostMs), () => {
      const rooms = [...this.#again]
      this.#again.clear()
      for (const again of rooms) this.join(again)
    })
  }

  #tell(happenings: Happening[]): void {
    for (const happening of happenings) this.#shared.tell(happening)
  }
}

function isRefusal(entry: Entry | { error: ErrorBody }): entry is { error: ErrorBody } {
  return 'error' in entry
}
