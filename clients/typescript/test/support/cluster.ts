// Nodes that share a Redis, a proxy before each, and clients that come through the proxies.

import WebSocket from 'ws'
import { type ClientOptions, createClient, type HallwayClient } from '../../src/index.js'
import type { SocketConstructor } from '../../src/socket.js'
import { Backend } from './backend.js'
import { folder, Node, startRedis } from './processes.js'
import { Proxy } from './proxy.js'
import { token } from './token.js'

/** What connects: the platform's own where there is one, else that of `ws`. */
export const TestSocket = (globalThis.WebSocket ?? WebSocket) as unknown as SocketConstructor

export interface Cluster {
  nodes: Node[]
  proxies: Proxy[]
  backend: Backend
  /** A client of a user, through the proxies. Closed with the cluster. */
  client(user: string, options?: Partial<ClientOptions>): HallwayClient
  stop(): Promise<void>
}

/** Rooms say nothing by themselves: what is heard in them is what a test has said. */
export const QUIET = { HALLWAY_PRESENCE_ROOMS: 'false' }

export async function startCluster(size: number, more: Record<string, string> = {}): Promise<Cluster> {
  const { path, remove } = folder()
  const redis = await startRedis(path)
  const names = Array.from({ length: size }, (_, number) => `node-${number}`)
  const nodes = await Promise.all(names.map((name) => Node.start(path, name, redis.url, more)))
  await Promise.all(nodes.map((node) => node.ready()))
  const proxies = await Promise.all(nodes.map((node) => Proxy.start(node.port)))
  const clients: HallwayClient[] = []
  return {
    nodes,
    proxies,
    backend: new Backend(nodes),
    client(user, options = {}) {
      // Each begins with another node.
      const first = clients.length % proxies.length
      const url = [...proxies.slice(first), ...proxies.slice(0, first)].map((proxy) => proxy.url)
      const fast = { backoffFirstMs: 50, backoffMostMs: 500 }
      const client = createClient({ url, token: () => token(user), WebSocket: TestSocket, ...fast, ...options })
      clients.push(client)
      return client
    },
    async stop() {
      for (const client of clients) client.close()
      await Promise.all(proxies.map((proxy) => proxy.stop()))
      await Promise.all(nodes.map((node) => node.stop()))
      await redis.server.stop()
      remove()
    },
  }
}
