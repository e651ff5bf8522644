// A gateway in this process, of which each socket does what the test says.

import { afterEach, beforeEach, mock } from 'node:test'
import type { ClientFrame, ServerFrame } from '../../src/codec.js'
import type { ClientOptions } from '../../src/index.js'
import { createClient, type HallwayClient } from '../../src/index.js'
import type { Socket, SocketConstructor } from '../../src/socket.js'

/** Lets everything that waits for nothing but its turn have it. Timers of the tests do not move. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One connection, from the server's side. */
export class FakeSocket implements Socket {
  binaryType = ''
  protocol = ''
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  /** What the client said, in order. */
  readonly frames: ClientFrame[] = []
  closedWith: number | undefined
  isClosed = false

  constructor(
    readonly gateway: FakeGateway,
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(data: string | Uint8Array): void {
    const frame = JSON.parse(String(data)) as ClientFrame
    this.frames.push(frame)
    this.gateway.answer(this, frame)
  }

  close(code?: number): void {
    this.closedWith = code
    this.isClosed = true
  }

  say(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }

  /** The server ends it. */
  end(code: number, reason = ''): void {
    this.isClosed = true
    this.onclose?.({ code, reason })
  }

  hello(more: Partial<NonNullable<ServerFrame['hello']>> = {}): void {
    const fixed = { clientId: 'c', userId: 'me', node: 'n', rooms: [], pingIntervalMs: 25_000, resumeTicket: 'ticket' }
    this.say({ hello: { ...fixed, serverTime: Date.now(), ...more } })
  }

  broadcast(room: string, seq: number, data: unknown = seq, destination = 'd', epoch = 'e'): void {
    this.say({ broadcast: { room, destination, data, seq, epoch, ts: 1000 + seq } })
  }

  /** Something that is not numbered. */
  news(room: string, destination: string, data: unknown): void {
    this.say({ broadcast: { room, destination, data } })
  }

  asked(endpoint: string): ClientFrame[] {
    return this.frames.filter((frame) => frame.endpoint === endpoint)
  }

  /** Answers the newest request of an endpoint. */
  reply(endpoint: string, result: { data?: unknown; error?: { code: string; retryAfterMs?: number } }): void {
    const frame = this.asked(endpoint).at(-1)
    const { error, data } = result
    const reply = error ? { error: { message: 'no', ...error } as never } : { data: data === undefined ? {} : data }
    this.say({ reply: { id: frame?.id as number, ...reply } })
  }
}

/** Greets everyone and lets them into every room, unless a test says otherwise. */
export class FakeGateway {
  readonly sockets: FakeSocket[] = []
  readonly clients: HallwayClient[] = []
  /** Endpoints that are answered by the test itself. */
  readonly byHand = new Set<string>()
  /** Answers of other endpoints than those for rooms. */
  readonly answers: Record<string, (args: never) => { data?: unknown; error?: { code: string; retryAfterMs?: number } }> = {}
  /** Whether handshakes succeed. */
  isUp = true

  get Socket(): SocketConstructor {
    const gateway = this
    return class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(gateway, url, protocols)
        gateway.sockets.push(this)
        queueMicrotask(() => (gateway.isUp ? this.onopen?.(undefined as never) : this.end(1006)))
      }
    } as unknown as SocketConstructor
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket
  }

  answer(socket: FakeSocket, { id, endpoint, args }: ClientFrame): void {
    if (this.byHand.has(endpoint)) return
    const answer = this.answers[endpoint]
    const result = answer?.(args as never)
    if (endpoint === 'auth.connect' && !result) socket.hello()
    else if (endpoint === 'auth.resume' && !result) socket.hello({ resumed: {} })
    else if (id === undefined) return
    else if (endpoint === 'rooms.join' && !result) this.#join(socket, id, args as { room: string })
    else if (result) socket.reply(endpoint, result)
    else socket.reply(endpoint, { data: {} })
  }

  #join(socket: FakeSocket, id: number, { room }: { room: string }): void {
    socket.say({ reply: { id, data: { room, state: null, position: { epoch: 'e', seq: 0 }, recovered: false, missed: [] } } })
  }

  client(options: Partial<ClientOptions> = {}): HallwayClient {
    const client = createClient({ url: 'ws://fake/ws', token: 'token', WebSocket: this.Socket, random: () => 0.5, ...options })
    this.clients.push(client)
    return client
  }

  /** A client that is connected. */
  async connected(options: Partial<ClientOptions> = {}): Promise<HallwayClient> {
    const client = this.client(options)
    await settle()
    return client
  }

  close(): void {
    for (const client of this.clients) client.close()
  }
}

/** Gives each test of a file, or of a group, a gateway of its own, and timers that only the test moves. */
export function eachWithFake(take: (gateway: FakeGateway) => void): void {
  let gateway: FakeGateway
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    gateway = new FakeGateway()
    take(gateway)
  })
  afterEach(() => {
    gateway.close()
    mock.timers.reset()
  })
}

/** Lets time pass, in milliseconds, and what happens then happen. */
export async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms)
  await settle()
}
