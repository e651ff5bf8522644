// How to connect, and how to stay connected.

import { type Codec, json } from './codec.js'
import { platformSocket, type SocketConstructor } from './socket.js'
import type { Token } from './token.js'

/** What an application says. Times are milliseconds. */
export interface ClientOptions {
  /** `wss://host/ws`; of several, each is tried in turn. */
  url: string | readonly string[]
  /** A token, or what fetches one. A function is asked at connecting, before a token runs out, and after it was refused. */
  token?: Token
  /** JSON, unless it is `msgpack` of `@hallway/client/msgpack`. */
  codec?: Codec
  /** The platform's own (browsers, Node 22 and later), unless one is given, such as that of the package `ws`. */
  WebSocket?: SocketConstructor
  /** Connects at once, unless it is false: then with `connect()`. */
  autoConnect?: boolean
  /** From the first packet to the hello, and for fetching a token. Default 10,000. */
  connectTimeoutMs?: number
  /** From a request to its acknowledgement. Default 10,000. */
  requestTimeoutMs?: number
  /** The first wait before coming back is at most this. Default 500. */
  backoffFirstMs?: number
  /** No wait of the client's own is longer. What the server asks for counts instead, up to five minutes. Default 15,000. */
  backoffMostMs?: number
  /** How often a new resume ticket is asked for: half of the server's `auth.ticket_life` or less. Default 300,000. */
  ticketEveryMs?: number
  /** Requests under way at once; a further one fails with `queue-full`. Default 1,024. */
  maxRequests?: number
  /** Largest request in bytes, the server's `limits.frame_size`; a larger one fails with `too-large`. Default 65,536. */
  maxFrameBytes?: number
  /** Messages that wait to be sent; a further one fails with `queue-full`. Default 200. */
  maxOutbox?: number
  /** From 0 to 1; decides about waits. For who must repeat a run. */
  random?: () => number
}

/** The same with nothing left open. */
export interface SessionOptions {
  urls: readonly string[]
  token: Token | undefined
  codec: Codec
  WebSocket: SocketConstructor
  connectTimeoutMs: number
  requestTimeoutMs: number
  backoffFirstMs: number
  backoffMostMs: number
  ticketEveryMs: number
  maxRequests: number
  maxFrameBytes: number
  maxOutbox: number
  random: () => number
}

/** Fills in what was left out. Throws where there is no WebSocket, or no address. */
export function complete(options: ClientOptions): SessionOptions {
  const urls = typeof options.url === 'string' ? [options.url] : [...options.url]
  if (urls.length === 0) throw new TypeError('`url` names no address')
  return {
    urls,
    token: options.token,
    codec: options.codec ?? json,
    WebSocket: options.WebSocket ?? platformSocket(),
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    backoffFirstMs: options.backoffFirstMs ?? 500,
    backoffMostMs: options.backoffMostMs ?? 15_000,
    ticketEveryMs: options.ticketEveryMs ?? 300_000,
    maxRequests: options.maxRequests ?? 1024,
    maxFrameBytes: options.maxFrameBytes ?? 65_536,
    maxOutbox: options.maxOutbox ?? 200,
    random: options.random ?? Math.random,
  }
}
