// A TCP proxy between clients and a node, that cuts connections.

import { connect, createServer, type Server, type Socket } from 'node:net'

export class Proxy {
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  /** Connections that it closes at once, while a network is away. */
  isDown = false
  port = 0

  private constructor(target: number) {
    this.#server = createServer((client) => {
      if (this.isDown) return void client.resetAndDestroy()
      const node = connect(target, '127.0.0.1')
      const pair: [Socket, Socket] = [client, node]
      this.#pairs.add(pair)
      const end = () => {
        this.#pairs.delete(pair)
        client.destroy()
        node.destroy()
      }
      client.on('error', end).on('close', end)
      node.on('error', end).on('close', end)
      client.pipe(node)
      node.pipe(client)
    })
  }

  static async start(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done))
    const address = proxy.#server.address()
    proxy.port = typeof address === 'object' && address ? address.port : 0
    return proxy
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`
  }

  /** Resets the connections that this says yes to. What was on its way is lost. */
  cut(takes: () => boolean = () => true): number {
    const chosen = [...this.#pairs].filter(takes)
    for (const [client, node] of chosen) {
      client.resetAndDestroy()
      node.resetAndDestroy()
    }
    return chosen.length
  }

  /** Stops moving bytes towards the clients that this says yes to, without a word. */
  stall(takes: () => boolean = () => true): number {
    const chosen = [...this.#pairs].filter(takes)
    for (const [client, node] of chosen) node.unpipe(client)
    return chosen.length
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise<void>((done) => this.#server.close(() => done()))
  }
}
