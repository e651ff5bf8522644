// Against real nodes: opening, rooms, requests, coming back.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HallwayError } from '../../src/index.js'
import { msgpack } from '../../src/msgpack.js'
import { type Cluster, QUIET, startCluster } from '../support/cluster.js'
import { token } from '../support/token.js'
import { until } from '../support/until.js'

describe('against a real cluster', () => {
  let cluster: Cluster
  before(async () => void (cluster = await startCluster(2, QUIET)))
  after(() => cluster.stop())

  for (const codec of [undefined, msgpack]) {
    test(`rooms are heard across nodes in ${codec?.subprotocol ?? 'JSON'}`, async () => {
      const room = `board-basics-${codec ? 'm' : 'j'}`
      const options = codec ? { codec } : {}
      const [a, b] = cluster.proxies.map((proxy, n) => cluster.client(`u${n}`, { ...options, url: proxy.url }))
      const [atA, atB] = [await a!.join(room).ready(), await b!.join(room).ready()]
      const heard = new Promise((resolve) => atB.on('update-task', resolve))
      const data = { text: 'é·😀', list: [1, -2, null, true, 1.5, 2 ** 40] }
      const numbers = await atA.broadcast('update-task', data as never)
      assert.equal(numbers.seq, 1)
      assert.deepEqual(await heard, data)
      assert.equal((await atA.info()).socketCount, 2)
      assert.equal((await atB.history()).broadcasts.length, 1)
      assert.equal((await atB.state())?.seq, 1)
    })
  }

  test('what is refused says why', async () => {
    const client = cluster.client('stranger', { token: () => token('stranger', []) })
    const room = client.join('board-9')
    await assert.rejects(room.ready(), (error: HallwayError) => error.code === 'forbidden' && error.outcome === 'refused')
    await assert.rejects(room.info(), (error: HallwayError) => error instanceof HallwayError && error.code === 'forbidden')
    await assert.rejects(room.broadcast('x', 1), (error: HallwayError) => error.outcome === 'refused')
    await assert.rejects(room.broadcast('room.x', 1), (error: HallwayError) => error.field === 'destination')
    await assert.rejects(room.broadcast('x', 1n), (error: HallwayError) => error.outcome === 'not-sent')
    await assert.rejects(room.broadcast('x', 'x'.repeat(70_000)), (error: HallwayError) => error.code === 'too-large')
    assert.equal(client.connection.value.state, 'connected')
  })

  test('a wrong token ends it, and one that is replaced does not', async () => {
    const wrong = cluster.client('x', { token: 'nonsense' })
    const end = await until(wrong.connection, ({ state }) => state === 'closed')
    assert.equal(end.state === 'closed' && end.code, 4401)
    let asked = 0
    const renewed = cluster.client('x', { token: () => (asked++ === 0 ? 'nonsense' : token('x')) })
    await until(renewed.connection, ({ state }) => state === 'connected')
    assert.equal(asked, 2)
  })

  test('a token is refreshed before it runs out, and the connection stays', async () => {
    const asked: string[] = []
    const refreshed = new Promise<void>((resolve) => {
      const give = ({ reason }: { reason: string }) => {
        asked.push(reason)
        if (asked.length === 3) resolve()
        return token('short', ['board-*'], asked.length === 1 ? 4 : asked.length === 2 ? 6 : 3600)
      }
      cluster.client('short', { token: give }).join('board-short')
    })
    await refreshed
    assert.deepEqual(asked, ['connect', 'refresh', 'refresh'])
  })

  test('a token that cannot be refreshed is replaced when it has run out', async () => {
    let asked = 0
    const give = ({ reason }: { reason: string }) => {
      if (reason === 'refresh') throw new Error('not now')
      // Whole seconds, and the room is entered before they are over.
      return token('short', ['board-*'], asked++ === 0 ? 4 : 3600)
    }
    const client = cluster.client('short', { token: give })
    const room = await client.join('board-short').ready()
    await until(client.connection, ({ state }) => state === 'waiting')
    await until(client.connection, ({ state }) => state === 'connected')
    const heard = new Promise((resolve) => room.on('test', resolve))
    await cluster.backend.publish('board-short', 7, 'short')
    assert.equal(await heard, 7)
  })

  test('a user sent away stays away', async () => {
    const client = cluster.client('sent.away')
    await until(client.connection, ({ state }) => state === 'connected')
    await cluster.backend.call(cluster.nodes[0]!, 'POST', '/api/v1/disconnect', { userId: 'sent.away' })
    const end = await until(client.connection, ({ state }) => state === 'closed')
    assert.equal(end.state === 'closed' && end.code, 4403)
  })

  test('all rooms come back with what was missed, the own and the included ones too', async () => {
    const client = cluster.client('back')
    const heard: string[] = []
    client.onBroadcast(({ room, data }) => heard.push(`${room} ${data}`))
    await client.join('board-back').ready()
    const empty = await client.join('board-empty').ready()
    const tasks = client.listen('board-back-tasks')
    const own = client.listen('user-back')
    const backend = cluster.backend
    await backend.publish('board-back', 'a', 'back-a')
    for (const proxy of cluster.proxies) proxy.isDown = true
    for (const proxy of cluster.proxies) proxy.cut()
    await until(client.connection, ({ state }) => state === 'waiting')
    await backend.publish('board-back', 'b', 'back-b')
    await backend.publish('board-back-tasks', 'c', 'back-c')
    await backend.publish('user-back', 'd', 'back-d')
    await backend.publish('board-empty', 'e', 'back-e')
    const last = new Promise((resolve) => empty.on('test', (data) => data === 'end' && resolve(data)))
    for (const proxy of cluster.proxies) proxy.isDown = false
    await until(client.connection, ({ state }) => state === 'connected')
    await backend.publish('board-empty', 'end', 'back-end')
    await last
    const expected = ['board-back a', 'board-back b', 'board-back-tasks c', 'board-empty e', 'board-empty end', 'user-back d']
    assert.deepEqual(heard.sort(), expected)
    assert.deepEqual([client.stats.doubles, client.stats.resyncs, client.stats.resumed], [0, 0, 1])
    assert.equal(tasks.status.value.state, 'joined')
    assert.equal(own.status.value.state, 'joined')
  })

  test("one's own broadcasts do not come back from history", async () => {
    const client = cluster.client('self')
    const room = await client.join('board-self').ready()
    const heard: unknown[] = []
    room.onAny(({ data }) => heard.push(data))
    await room.broadcast('test', 'mine')
    await cluster.backend.publish('board-self', 'theirs', 'self-1')
    await room.broadcast('test', 'mine too')
    const back = new Promise((resolve) => room.onReturned(resolve))
    client.dropConnection()
    await back
    const marker = new Promise((resolve) => room.on('test', (data) => data === 'end' && resolve(data)))
    await cluster.backend.publish('board-self', 'end', 'self-2')
    await marker
    assert.deepEqual(heard, ['theirs', 'end'])
  })

  test('a lost numbering is told', async () => {
    const client = cluster.client('lost')
    const room = await client.join('board-lost').ready()
    const first = new Promise((resolve) => room.on('test', resolve))
    await cluster.backend.publish('board-lost', 1, 'lost-1')
    await first
    const resync = new Promise((resolve) => room.onResync(resolve))
    // More is missed than one answer to a resume may hold.
    for (const proxy of cluster.proxies) proxy.isDown = true
    client.dropConnection()
    for (let n = 0; n < 20; n += 1) await cluster.backend.publish('board-lost', 'x'.repeat(60_000), `lost-x-${n}`)
    for (const proxy of cluster.proxies) proxy.isDown = false
    const told = (await resync) as { cause: string; since: number }
    assert.equal(told.cause, 'not-recovered')
    assert.ok(told.since > 0)
    const marker = new Promise((resolve) => room.on('test', resolve))
    await cluster.backend.publish('board-lost', 'end', 'lost-2')
    assert.equal(await marker, 'end')
  })
})
