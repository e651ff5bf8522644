// What keeps a connection's promises fresh: a ticket to come back with, a token that has not run out, and the knowledge
// that the other side is still there.

import type { Connection } from './connection.js'
import type { Shared } from './conversation.js'
import { HallwayError } from './errors.js'
import type { Hello, Refreshed } from './wire.js'
import { Timer } from './timer.js'

/** How long before a token runs out a new one is fetched, at most; a fifth of its life where that is less. */
const REFRESH_EARLY = 60_000
/** Between two tries to refresh. */
const REFRESH_AGAIN = 5_000

/** Asks by itself for what has to be asked for from time to time. Times in milliseconds. */
export class Lease {
  readonly #shared: Shared
  readonly #connection: Connection
  readonly #ticket = new Timer()
  readonly #refresh = new Timer()
  readonly #quiet = new Timer()
  readonly #pong = new Timer()
  readonly #pingIntervalMs: number
  /** The server's clock, less this side's. */
  readonly #clockOffset: number
  #expiresAt = 0
  #isRefreshing = false
  #hasEnded = false

  constructor(shared: Shared, connection: Connection, hello: Hello) {
    this.#shared = shared
    this.#connection = connection
    this.#pingIntervalMs = hello.pingIntervalMs
    this.#clockOffset = hello.serverTime - Date.now()
    if (hello.resumeTicket !== undefined) this.#askTicketLater()
    if (hello.expiresAt !== undefined) this.#refreshBefore(hello.expiresAt)
    this.#listenForQuiet(this.#pingIntervalMs)
  }

  /** Asks the server for a sign of life, and leaves it if none comes in time. */
  probe(): void {
    if (this.#pong.isSet || this.#hasEnded) return
    this.#pong.set(this.#shared.options.requestTimeoutMs, () => this.#connection.drop('no answer to a ping'))
    this.#connection.askInLine('ping', {}, () => this.#pong.clear())
  }

  /** The server's own word that the token runs out: it is refreshed now, if the timer has not begun it. */
  expires(): void {
    if (this.#shared.tokens.canRenew) void this.#refreshNow()
  }

  end(): void {
    this.#hasEnded = true
    for (const timer of [this.#ticket, this.#refresh, this.#quiet, this.#pong]) timer.clear()
  }

  /** Pages do not see the server's pings, so one that hears nothing for as long as two of them are apart asks. */
  #listenForQuiet(afterMs: number): void {
    this.#quiet.set(afterMs, () => {
      const left = this.#connection.heardAt + this.#pingIntervalMs - Date.now()
      if (left <= 0) this.probe()
      this.#listenForQuiet(left > 0 ? left : this.#pingIntervalMs)
    })
  }

  #askTicketLater(): void {
    this.#ticket.set(this.#shared.options.ticketEveryMs, () => this.#askTicket())
  }

  #askTicket(): void {
    this.#ticket.clear()
    this.#connection.askInLine('ping', { ticket: true }, ({ data }) => {
      // A server that has no more of them leaves the old one good for as long as it is.
      const ticket = (data as { resumeTicket?: string } | undefined)?.resumeTicket
      this.#shared.ticket = ticket ?? this.#shared.ticket
      this.#askTicketLater()
    })
  }

  /** Fetches and shows a new token in good time before the old one runs out (Unix milliseconds, the server's clock). */
  #refreshBefore(expiresAt: number): void {
    this.#expiresAt = expiresAt
    if (!this.#shared.tokens.canRenew) return
    const left = expiresAt - this.#clockOffset - Date.now()
    // Not all clients at the same moment, since tokens may have been made at the same moment.
    const early = Math.min(REFRESH_EARLY, left / 5) * (1 + this.#shared.options.random() / 2)
    this.#refresh.set(left - early, () => void this.#refreshNow())
  }

  async #refreshNow(): Promise<void> {
    if (this.#isRefreshing || this.#hasEnded) return
    this.#isRefreshing = true
    this.#refresh.clear()
    try {
      const token = await this.#shared.tokens.get('refresh')
      if (this.#hasEnded) return
      const { expiresAt, resumeTicket } = (await this.#connection.request('auth.refresh', { token })) as Refreshed
      if (this.#hasEnded) return
      // A ticket is good for no longer than the token behind it.
      this.#shared.ticket = resumeTicket ?? this.#shared.ticket
      if (expiresAt !== null) this.#refreshBefore(expiresAt)
    } catch (thrown) {
      // A server that cannot refresh closes with 4401 when the time is over, and a new token is shown then.
      const isUnknown = thrown instanceof HallwayError && thrown.code === 'unknown-endpoint'
      const isOver = Date.now() + this.#clockOffset >= this.#expiresAt
      if (!isUnknown && !isOver && !this.#hasEnded) this.#refresh.set(REFRESH_AGAIN, () => void this.#refreshNow())
    } finally {
      this.#isRefreshing = false
    }
  }
}
