// Why something that was asked for was not done.

import type { ErrorCode } from './generated.js'
import type { ErrorBody } from './wire.js'

/** Reasons of this side's own, beside the server's codes. */
export type LocalCode =
  /** No answer in time. */
  | 'timeout'
  /** There is no connection at the moment. */
  | 'disconnected'
  /** The connection ended before the answer. */
  | 'connection-lost'
  /** Too much waits already: requests under way, or messages that wait to be sent. */
  | 'queue-full'
  /** The client was closed, or the handle was left. */
  | 'closed'

/** A request that failed. */
export class HallwayError extends Error {
  override readonly name = 'HallwayError'

  constructor(
    /** What a program branches on. */
    readonly code: ErrorCode | LocalCode,
    message: string,
    /**
     * What became of it. `unknown`: it may have been done or not. A request that can be repeated without harm (one with
     * a `clientMessageId`, for example) is repeated; any other is looked up.
     */
    readonly outcome: 'refused' | 'not-sent' | 'unknown',
    /** The argument that is wrong, with `bad-args`. */
    readonly field?: string,
    /** When to come again, in milliseconds, with `rate-limited` and `unavailable`. */
    readonly retryAfterMs?: number,
    /** The server's whole error, with fields of its own such as the lobby of a `conflict`. */
    readonly body?: ErrorBody,
  ) {
    super(message)
  }

  /** What the server said. `unavailable` and `internal` promise nothing, not even that it was not done. */
  static fromServer(body: ErrorBody): HallwayError {
    const outcome = body.code === 'unavailable' || body.code === 'internal' ? 'unknown' : 'refused'
    return new HallwayError(body.code, `${body.code}: ${body.message}`, outcome, body.field, body.retryAfterMs, body)
  }
}

/** An error from whatever was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
