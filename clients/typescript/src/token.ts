// Where tokens come from.

import { HallwayError } from './errors.js'
import { Timer } from './timer.js'

/** What the token is wanted for. */
export interface TokenRequest {
  /** `connect`: a connection is opened without a ticket. `refresh`: the one in use runs out soon. */
  reason: 'connect' | 'refresh'
}

/** A token, or what fetches one. Nothing: the client is anonymous, where the server lets it. */
export type Token = string | ((request: TokenRequest) => string | null | undefined | Promise<string | null | undefined>)

/** Fetches tokens and remembers the last one. */
export class Tokens {
  /** The last one that was handed out. */
  last: string | null = null
  readonly #source: Token | undefined
  readonly #timeoutMs: number

  constructor(source: Token | undefined, timeoutMs: number) {
    this.#source = source
    this.#timeoutMs = timeoutMs
  }

  /** Whether asking again may bring another one. */
  get canRenew(): boolean {
    return typeof this.#source === 'function'
  }

  /** Fails with whatever the application's function throws, and with `timeout`. */
  async get(reason: TokenRequest['reason']): Promise<string | null> {
    const source = this.#source
    const token = typeof source === 'function' ? await this.#inTime(async () => source({ reason })) : source
    this.last = token ?? null
    return this.last
  }

  #inTime<T>(fetch: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = new Timer()
      const late = () => reject(new HallwayError('timeout', 'no token in time', 'not-sent'))
      timer.set(this.#timeoutMs, late)
      fetch().then(resolve, reject).finally(() => timer.clear())
    })
  }
}
