// A TCP load balancer: each connection goes to the first port that takes it, so that who loses a node finds another.

import { connect, createServer, type Server, type Socket } from 'node:net'

export class Balancer {
  readonly #server: Server
  readonly #open = new Set<Socket>()
  port = 0

  private constructor(ports: readonly number[]) {
    this.#server = createServer((client) => {
      this.#open.add(client)
      client.on('error', () => undefined).on('close', () => this.#open.delete(client))
      this.#attempt(client, ports)
    })
  }

  /** Tries the ports in this order. */
  static async start(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports)
    await new Promise<void>((done) => balancer.#server.listen(0, '127.0.0.1', done))
    const address = balancer.#server.address()
    balancer.port = typeof address === 'object' && address ? address.port : 0
    return balancer
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    for (const client of this.#open) client.destroy()
    await new Promise<void>((done) => this.#server.close(() => done()))
  }

  #attempt(client: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) return void client.destroy()
    const node = connect(port, '127.0.0.1')
    node.once('error', () => (node.connecting || node.bytesRead === 0) && client.bytesRead === 0 && this.#attempt(client, others))
    node.once('connect', () => {
      node.on('error', () => client.destroy()).on('close', () => client.destroy())
      client.on('close', () => node.destroy())
      client.pipe(node)
      node.pipe(client)
    })
  }
}
