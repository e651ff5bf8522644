// Deliveries under faults: connections cut and stalled, networks away, nodes killed, drained and hung. Repeatable:
// HALLWAY_SEED=7 HALLWAY_CHAOS_SECONDS=30 npm run test:cluster

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { HallwayClient } from '../../src/index.js'
import { msgpack } from '../../src/msgpack.js'
import { type Cluster, QUIET, startCluster, TestSocket } from '../support/cluster.js'
import type { Node } from '../support/processes.js'
import { random } from '../support/random.js'
import { eventually, until } from '../support/until.js'
import { judge, Listener, type Published } from './judge.js'

const SEEDS = process.env['HALLWAY_SEED'] ? process.env['HALLWAY_SEED'].split(',').map(Number) : [1, 2]
const SECONDS = Number(process.env['HALLWAY_CHAOS_SECONDS'] ?? 8)
const CLIENTS = 16
const ROOMS = 4

/** Shows a ticket that is none, so that the client has to come back with its token and join each room. */
class WithoutTicket extends TestSocket {
  override send(data: string | Uint8Array<ArrayBuffer>): void {
    super.send(typeof data === 'string' ? data.replace(/"ticket":"[^"]*"/, '"ticket":"none"') : data)
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe('deliveries under faults', () => {
  let cluster: Cluster
  before(async () => void (cluster = await startCluster(3, { ...QUIET, HALLWAY_LIMITS_PING_INTERVAL: '1s' })))
  after(() => cluster.stop())

  for (const seed of SEEDS) {
    test(`seed ${seed}: nothing lost, nothing doubled`, async (context) => {
      const run = new Run(cluster, seed)
      await run.begin()
      const end = Date.now() + SECONDS * 1000
      await Promise.all([...run.publishers(end), run.faults(end)])
      await run.settle()
      const { faults, deliveries } = judge(run.listeners, run.published)
      const sum = (of: (client: HallwayClient) => number) => run.listeners.reduce((sum, { client }) => sum + of(client), 0)
      const returns = sum(({ stats }) => stats.connections) - CLIENTS
      context.diagnostic(
        `seed ${seed}: ${run.published.size} published, ${deliveries} deliveries, ${returns} returns ` +
          `(${sum(({ stats }) => stats.resumed)} with a ticket), ${sum(({ stats }) => stats.doubles)} doubles dropped, ` +
          `${faults.length} faults; ${run.said.join(', ')}`,
      )
      assert.deepEqual(faults.slice(0, 20), [])
      assert.ok(returns > 0 && deliveries > 0)
      for (const { client } of run.listeners) client.close()
    })
  }
})

/** One seed's clients, publishers and faults. */
class Run {
  readonly listeners: Listener[] = []
  readonly published: Published = new Map()
  /** What went wrong, and when, for the report. */
  readonly said: string[] = []
  readonly #rooms: string[]
  readonly #start = Date.now()

  constructor(
    readonly cluster: Cluster,
    readonly seed: number,
  ) {
    this.#rooms = Array.from({ length: ROOMS }, (_, n) => `board-${seed}-${this.#start}-${n}`)
  }

  /** Everyone is in two rooms and their own. */
  async begin(): Promise<void> {
    for (let n = 0; n < CLIENTS; n += 1) {
      const patience = { connectTimeoutMs: 2_000, requestTimeoutMs: 2_000 }
      const ways = { ...(n % 2 === 1 && { codec: msgpack }), ...(n % 4 === 2 && { WebSocket: WithoutTicket }) }
      const options = { ...patience, random: random(this.seed * 1000 + n), ...ways }
      const client = this.cluster.client(`chaos.${this.seed}.${n}`, options)
      // Only a ticket brings the user's own room back; without one, what was missed there is told.
      const skips = (room: string) => n % 4 === 2 && room.startsWith('user-')
      this.listeners.push(new Listener(`client ${n}`, client, skips))
      const rooms = [this.#rooms[n % ROOMS], this.#rooms[(n + 1 + (n % (ROOMS - 1))) % ROOMS]] as string[]
      await Promise.all(rooms.map((room) => client.join(room).ready()))
    }
  }

  /** In each room one through the API, and one through a socket that is in it; in some users' rooms one through the API. */
  publishers(end: number): Promise<void>[] {
    const own = [0, 5].map((n) => this.#byApi(`user-chaos.${this.seed}.${n}`, end))
    return this.#rooms.flatMap((room, n) => [this.#byApi(room, end), this.#bySocket(room, n, end)]).concat(own)
  }

  async faults(end: number): Promise<void> {
    const chance = random(this.seed)
    const { proxies, nodes } = this.cluster
    const below = (most: number) => Math.floor(chance() * most)
    const say = (what: string) => this.said.push(`${((Date.now() - this.#start) / 1000).toFixed(1)}s ${what}`)
    const faults = [
      async () => say(`${proxies[n]!.cut(() => chance() < 0.6)} connections of node ${n} cut`),
      async () => say(`${proxies[n]!.stall(() => chance() < 0.4)} connections of node ${n} stalled`),
      async () => {
        say('the network of all clients away')
        for (const proxy of proxies) proxy.isDown = true
        for (const proxy of proxies) proxy.cut()
        await pause(100 + below(1900))
        for (const proxy of proxies) proxy.isDown = false
      },
      async () => {
        say(`node ${n} killed`)
        nodes[n]!.signal('SIGKILL')
        await this.#startAgain(nodes[n]!)
      },
      async () => {
        say(`node ${n} drained`)
        nodes[n]!.signal('SIGTERM')
        await this.#startAgain(nodes[n]!)
      },
      async () => {
        say(`node ${n} hangs`)
        nodes[n]!.signal('SIGSTOP')
        await pause(500 + below(3000))
        nodes[n]!.signal('SIGCONT')
      },
    ]
    let n = 0
    while (Date.now() < end) {
      n = below(nodes.length)
      await faults[below(faults.length)]!()
      await pause(100 + below(600))
    }
  }

  /** The end: everyone is back and has heard the last words of all rooms. */
  async settle(): Promise<void> {
    await Promise.all(this.cluster.nodes.map((node) => node.ready()))
    const rooms = new Set(this.listeners.flatMap(({ rooms }) => [...rooms.keys()]))
    for (const { client } of this.listeners) await until(client.connection, ({ state }) => state === 'connected')
    for (const room of rooms) await this.#publish(room, 'end')
    for (const listener of this.listeners) {
      const heardAll = () => [...listener.rooms].every(([room, { broadcasts }]) => broadcasts.some(({ data }) => data === `${room} end`))
      await eventually(heardAll, `${listener.name} hears the end`)
    }
  }

  async #startAgain(node: Node): Promise<void> {
    await node.ended()
    node.start()
    await node.ready()
  }

  async #publish(room: string, what: string): Promise<void> {
    const data = `${room} ${what}`
    this.published.set(data, undefined)
    this.published.set(data, await this.cluster.backend.publish(room, data, data))
  }

  async #byApi(room: string, end: number): Promise<void> {
    for (let n = 0; Date.now() < end; n += 1) {
      await this.#publish(room, `api ${n}`)
      await pause(20)
    }
  }

  /** A result that nobody knows stays unknown; the next one has another payload. */
  async #bySocket(room: string, client: number, end: number): Promise<void> {
    const by = this.listeners[client]!.client
    for (let n = 0; Date.now() < end; n += 1) {
      const data = `${room} socket ${n}`
      this.published.set(data, undefined)
      try {
        const { seq = 0, epoch = '' } = await by.request('rooms.broadcast', { room, destination: 'test', data, includeSelf: true })
        this.published.set(data, { seq, epoch })
      } catch {
        await pause(50)
      }
      await pause(20)
    }
  }
}
