// One connection: from its first frame to its close. It knows frames and replies, and nothing of rooms or of coming back.

import type { ClientFrame, Codec, ServerFrame } from './codec.js'
import { asError, HallwayError } from './errors.js'
import type { Broadcast, ErrorBody, Goodbye, Hello } from './wire.js'
import type { Socket, SocketConstructor } from './socket.js'
import { Timer } from './timer.js'

/** How a connection ended. 1006 where no close frame came. */
export interface Closed {
  code: number
  reason: string
}

/** What comes of a request: an error is the server's. */
export type Result = { data: unknown; error?: never } | { error: ErrorBody; data?: never }

export interface ConnectionOptions {
  url: string
  codec: Codec
  WebSocket: SocketConstructor
  /** The first frame; none where the client stays anonymous. */
  first: ClientFrame | undefined
  /** Whether it is the hello that answers the first frame; an earlier one greets the anonymous. */
  isAnswer: (hello: Hello) => boolean
  /** From the first packet to the hello, in milliseconds. */
  connectTimeoutMs: number
  /** From a request to its reply, in milliseconds. */
  requestTimeoutMs: number
  /** Requests under way at once; a further one fails with `queue-full`. */
  maxRequests: number
  /** Largest frame in bytes; a larger request fails with `too-large`, since the server would close with 1009 for good. */
  maxFrameBytes: number
}

/** What a connection tells, each in the order in which it came. `closed` is told once, and last. */
export interface ConnectionListener {
  hello(hello: Hello): void
  broadcast(broadcast: Broadcast): void
  goodbye(goodbye: Goodbye): void
  closed(closed: Closed): void
}

type Waiting = (result: Result | HallwayError) => void

export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #deadline = new Timer()
  #listener: ConnectionListener | undefined
  #lastId = 0
  /** When something was last heard, in milliseconds of the platform's clock. */
  heardAt = Date.now()

  /** Begins to connect. Throws only on a URL that is none. */
  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options
    this.#listener = listener
    this.#socket = new options.WebSocket(options.url, [options.codec.subprotocol])
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () => options.first && this.#write(options.first)
    this.#socket.onmessage = ({ data }) => this.#read(data)
    this.#socket.onclose = ({ code, reason }) => this.#ended({ code, reason })
    // The close that follows says all there is to say.
    this.#socket.onerror = () => undefined
    this.#deadline.set(options.connectTimeoutMs, () => this.drop('no hello in time'))
  }

  /**
   * Asks, and waits for the answer. The promise fails with a `HallwayError`. What was sent is done even if nobody waits
   * any more.
   */
  request(endpoint: string, args: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = new Timer()
      const settle: Waiting = (result) => {
        timer.clear()
        if (result instanceof HallwayError) reject(result)
        else if (result.error) reject(HallwayError.fromServer(result.error))
        else resolve(result.data)
      }
      const id = this.#ask(endpoint, args, settle)
      if (id === undefined) return
      timer.set(this.#options.requestTimeoutMs, () => {
        this.#waiting.delete(id)
        settle(new HallwayError('timeout', `no answer to ${endpoint} in time`, 'unknown'))
      })
    })
  }

  /** Asks; the server's answer is handed over in line with the broadcasts around it, and never if the connection ends. */
  askInLine(endpoint: string, args: unknown, answer: (result: Result) => void): void {
    this.#ask(endpoint, args, (result) => {
      if (!(result instanceof HallwayError)) answer(result)
    })
  }

  /** Says something that has no reply, not even on failure. */
  say(endpoint: string, args: unknown): void {
    this.#write({ endpoint, args })
  }

  /** Closes with 1000, for good. Nothing is told any more but `closed`, at once. */
  close(): void {
    this.#socket.close(1000)
    this.#ended({ code: 1000, reason: '' })
  }

  /** Ends it on this side, without waiting for a server that may not be there any more. */
  drop(reason: string): void {
    this.#socket.close()
    this.#ended({ code: 1006, reason })
  }

  /** Returns the id, or nothing if it could not be asked; that is told to whoever waits. */
  #ask(endpoint: string, args: unknown, waiting: Waiting): number | undefined {
    if (!this.#listener) waiting(new HallwayError('disconnected', 'the connection has ended', 'not-sent'))
    else if (this.#waiting.size >= this.#options.maxRequests) {
      waiting(new HallwayError('queue-full', `${this.#waiting.size} requests are under way`, 'not-sent'))
    } else {
      const id = ++this.#lastId
      this.#waiting.set(id, waiting)
      try {
        this.#write({ id, endpoint, args })
        return id
      } catch (thrown) {
        this.#waiting.delete(id)
        if (thrown instanceof HallwayError) waiting(thrown)
        else waiting(new HallwayError('bad-args', `cannot be written: ${asError(thrown).message}`, 'not-sent'))
      }
    }
    return undefined
  }

  #write(frame: ClientFrame): void {
    const bytes = this.#options.codec.encode(frame)
    const most = this.#options.maxFrameBytes
    if (sizeOf(bytes, most) > most) throw new HallwayError('too-large', `a frame of more than ${most} bytes`, 'not-sent')
    this.#socket.send(bytes)
  }

  #read(data: unknown): void {
    this.heardAt = Date.now()
    let frame: ServerFrame
    try {
      frame = this.#options.codec.decode(data)
    } catch (thrown) {
      return this.drop(`not the protocol: ${asError(thrown).message}`)
    }
    if (frame.broadcast) this.#listener?.broadcast(frame.broadcast)
    else if (frame.reply) this.#answer(frame.reply)
    else if (frame.goodbye) this.#listener?.goodbye(frame.goodbye)
    else if (frame.hello && this.#options.isAnswer(frame.hello)) {
      this.#deadline.clear()
      this.#listener?.hello(frame.hello)
    }
  }

  #answer({ id, data, error }: { id: number; data?: unknown; error?: ErrorBody }): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.(error ? { error } : { data })
  }

  #ended(closed: Closed): void {
    const listener = this.#listener
    if (!listener) return
    this.#listener = undefined
    this.#deadline.clear()
    // What a socket that is left says later is nobody's. `onerror` stays: the package `ws` throws where nobody listens.
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    const lost = new HallwayError('connection-lost', `the connection ended (${closed.code}) before the answer`, 'unknown')
    for (const waiting of this.#waiting.values()) waiting(lost)
    this.#waiting.clear()
    listener.closed(closed)
  }
}

/** The size in bytes; counted only where it is not clear that it is below `most`. */
function sizeOf(bytes: string | Uint8Array, most: number): number {
  if (typeof bytes !== 'string') return bytes.byteLength
  return bytes.length * 3 <= most ? bytes.length : new TextEncoder().encode(bytes).byteLength
}
