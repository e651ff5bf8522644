// Coming back: when, with what, and when not.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { closeCodes, type ConnectionStatus, type HallwayClient } from '../../src/index.js'
import { eachWithFake, FakeGateway, pass, settle } from '../support/fake.js'

const stateOf = (client: HallwayClient) => client.connection.value.state
const waiting = (client: HallwayClient) => client.connection.value as ConnectionStatus & { state: 'waiting' }

describe('a session', () => {
  let gateway: FakeGateway
  eachWithFake((fresh) => (gateway = fresh))

  test('shows the token first, and the ticket with its places when it comes back', async () => {
    const client = await gateway.connected()
    assert.deepEqual(gateway.socket.frames[0], { endpoint: 'auth.connect', args: { token: 'token' } })
    assert.deepEqual(gateway.socket.protocols, ['hallway.v1.json'])
    client.join('board-1')
    gateway.socket.broadcast('board-1', 1)
    gateway.socket.end(1006)
    assert.equal(waiting(client).retryAt - Date.now(), 250)
    await pass(250)
    const rooms = { 'board-1': { epoch: 'e', seq: 1 } }
    assert.deepEqual(gateway.socket.frames[0], { endpoint: 'auth.resume', args: { ticket: 'ticket', rooms } })
    assert.deepEqual(client.connection.value, { state: 'connected', node: 'n', clientId: 'c', userId: 'me', resumed: true })
    // The hello said nothing of the room, so it is asked for.
    assert.deepEqual(gateway.socket.asked('rooms.join').map(({ args }) => (args as { resume: unknown }).resume), [rooms['board-1']])
  })

  for (const [name, { code, reconnects }] of [...Object.entries(closeCodes), ['Abnormal', { code: 1006, reconnects: true }]] as const) {
    test(`${reconnects ? 'comes back' : 'stays away'} after ${code} (${name})`, async () => {
      const client = await gateway.connected()
      gateway.socket.end(code)
      assert.equal(stateOf(client), reconnects ? 'waiting' : 'closed')
      await pass(20_000)
      assert.equal(gateway.sockets.length, reconnects ? 2 : 1)
    })
  }

  test('waits longer each time, up to a bound, and anew after a connection that lasted', async () => {
    const client = await gateway.connected()
    gateway.isUp = false
    gateway.socket.end(1006)
    const waits = []
    for (let n = 0; n < 8; n += 1) {
      waits.push(waiting(client).retryAt - Date.now())
      await pass(waits.at(-1)!)
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 7500, 7500, 7500])
    gateway.isUp = true
    await pass(7500)
    gateway.socket.end(1006)
    assert.equal(waiting(client).retryAt - Date.now(), 7500)
    await pass(7500)
    await pass(15_000)
    gateway.socket.end(1006)
    assert.equal(waiting(client).retryAt - Date.now(), 250)
  })

  test('comes back when the goodbye says', async () => {
    const client = await gateway.connected()
    gateway.socket.say({ goodbye: { reason: 'draining', reconnectAfterMs: 1840 } })
    await pass(840)
    assert.equal(stateOf(client), 'connected')
    gateway.socket.end(1012)
    assert.equal(waiting(client).retryAt - Date.now(), 1000)
    await pass(999)
    assert.equal(gateway.sockets.length, 1)
    await pass(1)
    assert.equal(gateway.sockets.length, 2)
  })

  test('tries its addresses in turn', async () => {
    gateway.isUp = false
    await gateway.connected({ url: ['ws://a/ws', 'ws://b/ws'] })
    await pass(250)
    await pass(500)
    assert.deepEqual(gateway.sockets.map(({ url }) => url), ['ws://a/ws', 'ws://b/ws', 'ws://a/ws'])
  })

  test('shows the token where the ticket is refused, at once and at the same address', async () => {
    const client = await gateway.connected({ url: ['ws://a/ws', 'ws://b/ws'] })
    gateway.byHand.add('auth.resume')
    gateway.socket.end(1006)
    await pass(250)
    gateway.socket.end(4401)
    await settle()
    assert.deepEqual(gateway.sockets.map(({ url }) => url), ['ws://a/ws', 'ws://b/ws', 'ws://b/ws'])
    assert.equal(gateway.socket.frames[0]?.endpoint, 'auth.connect')
    assert.equal(stateOf(client), 'connected')
  })

  test('revoked is revoked, with a ticket too', async () => {
    const client = await gateway.connected({ token: () => 'another' })
    gateway.byHand.add('auth.resume')
    gateway.socket.end(1006)
    await pass(250)
    gateway.socket.end(4410)
    assert.equal(stateOf(client), 'closed')
  })

  test('a refused token is not shown again; another one is, once', async () => {
    gateway.byHand.add('auth.connect')
    const tokens = ['a', 'b', 'c']
    const client = await gateway.connected({ token: () => tokens.shift() ?? '' })
    gateway.socket.end(4401)
    await pass(250)
    assert.deepEqual(gateway.socket.frames[0]?.args, { token: 'b' })
    gateway.socket.end(4401)
    assert.equal(stateOf(client), 'closed')
    const same = await gateway.connected({ token: () => 'same' })
    gateway.socket.end(4401)
    const before = gateway.sockets.length
    await pass(500)
    assert.deepEqual([stateOf(same), gateway.sockets.length], ['closed', before])
  })

  test('a token that cannot be fetched is tried again', async () => {
    let tries = 0
    const token = async () => {
      if (++tries < 3) throw new Error('offline')
      return 'token'
    }
    const client = await gateway.connected({ token })
    assert.match(waiting(client).reason, /offline/)
    await pass(250)
    await pass(500)
    assert.equal(stateOf(client), 'connected')
    const never = await gateway.connected({ token: () => new Promise(() => undefined) })
    await pass(10_000)
    assert.equal(stateOf(never), 'waiting')
  })

  test('refreshes a token before it runs out', async () => {
    gateway.answers['auth.refresh'] = () => ({ data: { expiresAt: Date.now() + 3_600_000, resumeTicket: 'newer' } })
    gateway.byHand.add('auth.connect')
    const reasons: string[] = []
    const client = await gateway.connected({ token: ({ reason }) => String(reasons.push(reason)) })
    gateway.socket.hello({ expiresAt: Date.now() + 100_000 })
    await pass(69_000)
    assert.equal(gateway.socket.asked('auth.refresh').length, 0)
    await pass(8_000)
    assert.deepEqual(gateway.socket.asked('auth.refresh').map(({ args }) => args), [{ token: '2' }])
    assert.deepEqual(reasons, ['connect', 'refresh'])
    await settle()
    gateway.socket.end(1006)
    await pass(250)
    assert.deepEqual(gateway.socket.frames[0]?.args, { ticket: 'newer', rooms: {} })
    assert.equal(stateOf(client), 'connected')
  })

  test('refreshes when the server says that it is time, once', async () => {
    gateway.answers['auth.refresh'] = () => ({ data: { expiresAt: null } })
    await gateway.connected({ token: () => 'token' })
    for (let n = 0; n < 2; n += 1) gateway.socket.news('client-c', 'auth-expiring', { expiresAt: 1, closesAt: 2 })
    await settle()
    assert.equal(gateway.socket.asked('auth.refresh').length, 1)
  })

  test('asks for a new ticket from time to time', async () => {
    gateway.answers['ping'] = () => ({ data: { serverTime: 1, resumeTicket: 'newer' } })
    await gateway.connected({ ticketEveryMs: 1_000 })
    await pass(1_000)
    assert.deepEqual(gateway.socket.asked('ping').map(({ args }) => args), [{ ticket: true }])
    gateway.socket.end(1006)
    await pass(250)
    assert.equal((gateway.socket.frames[0]?.args as { ticket: string }).ticket, 'newer')
  })

  test('leaves a server that does not answer: no hello, no pong, no answer to a join', async () => {
    gateway.byHand.add('auth.connect')
    const client = await gateway.connected()
    await pass(10_000)
    assert.equal(stateOf(client), 'waiting')
    gateway.byHand.delete('auth.connect')
    gateway.byHand.add('ping')
    await pass(250)
    await pass(25_000)
    assert.equal(gateway.socket.asked('ping').length, 1)
    await pass(10_000)
    assert.equal(stateOf(client), 'waiting')
    gateway.byHand.add('rooms.join')
    await pass(500)
    client.join('board-1')
    await pass(10_000)
    assert.equal(stateOf(client), 'waiting')
    assert.ok(gateway.sockets.every(({ isClosed }) => isClosed))
  })

  test('does not ask a server that is heard', async () => {
    await gateway.connected()
    for (let n = 1; n < 10; n += 1) {
      await pass(10_000)
      gateway.socket.broadcast('board-1', n)
    }
    assert.equal(gateway.socket.asked('ping').length, 0)
  })

  test('joins again what was refused for the moment, and tells what is refused for good', async () => {
    gateway.byHand.add('rooms.join')
    const client = await gateway.connected()
    const room = client.join('board-1')
    gateway.socket.reply('rooms.join', { error: { code: 'unavailable', retryAfterMs: 300 } })
    await pass(300)
    gateway.socket.reply('rooms.join', { error: { code: 'conflict' } })
    await pass(500)
    assert.equal(gateway.socket.asked('rooms.join').length, 3)
    assert.equal(room.status.value.state, 'joining')
    gateway.socket.reply('rooms.join', { error: { code: 'conflict' } })
    assert.equal(room.status.value.state, 'refused')
    await pass(60_000)
    assert.equal(gateway.socket.asked('rooms.join').length, 3)
    await assert.rejects(room.ready(), { code: 'conflict' })
  })

  test('takes a resumed room as the hello says it', async () => {
    gateway.byHand.add('auth.resume')
    const client = await gateway.connected()
    const rooms = ['board-1', 'board-2', 'board-3'].map((name) => client.join(name))
    for (const { name } of rooms) gateway.socket.broadcast(name, 1)
    const told: string[] = []
    client.onHappening((happening) => told.push(`${happening.type} ${'room' in happening ? happening.room : happening.broadcast.data}`))
    gateway.socket.end(1006)
    await pass(250)
    const missed = [2, 3].map((seq) => ({ room: 'board-1', destination: 'd', data: seq, seq, epoch: 'e', ts: 5 }))
    gateway.socket.hello({
      resumed: {
        'board-1': { recovered: true, missed, state: { epoch: 'e', seq: 3, lastBroadcastTimestamp: 5 } },
        'board-2': { recovered: false, missed: [], state: { epoch: 'e', seq: 9, lastBroadcastTimestamp: 9 } },
        'board-3': { error: { code: 'forbidden', message: 'no' } },
      },
    })
    gateway.socket.broadcast('board-1', 3)
    gateway.socket.broadcast('board-1', 4)
    assert.deepEqual(told, ['broadcast 2', 'broadcast 3', 'returned board-1', 'resync board-2', 'refused board-3', 'double 3', 'broadcast 4'])
    assert.equal(client.stats.doubles, 1)
    assert.deepEqual(rooms.map(({ status }) => status.value.state), ['joined', 'joined', 'refused'])
  })

  test('asks one by one for rooms that the first frame cannot hold', async () => {
    const client = await gateway.connected()
    const names = Array.from({ length: 250 }, (_, n) => `board-${n}-${'x'.repeat(150)}`)
    for (const name of names) client.join(name)
    gateway.socket.end(1006)
    await pass(250)
    const { rooms } = gateway.socket.frames[0]?.args as { rooms: object }
    const count = Object.keys(rooms).length
    assert.ok(count > 50 && count < 250 && JSON.stringify(gateway.socket.frames[0]).length < 32_768)
    assert.ok(gateway.socket.asked('rooms.join').length >= 250 - count)
  })

  test('waits for the hello that answers the token where the anonymous are greeted first', async () => {
    gateway.byHand.add('auth.connect')
    const client = await gateway.connected()
    gateway.socket.say({ hello: { clientId: 'c', node: 'n', rooms: [], pingIntervalMs: 1, serverTime: 1 } })
    assert.equal(stateOf(client), 'connecting')
    gateway.socket.hello()
    assert.equal(stateOf(client), 'connected')
  })

  test('is anonymous without a token', async () => {
    const client = await gateway.connected({ token: () => null })
    assert.deepEqual(gateway.socket.frames, [])
    gateway.socket.say({ hello: { clientId: 'c', node: 'n', rooms: [], pingIntervalMs: 25_000, serverTime: 1 } })
    assert.equal(stateOf(client), 'connected')
  })

  test('leaves who does not speak the protocol, and passes over what it does not know', async () => {
    const client = await gateway.connected()
    gateway.socket.say({ later: 1 } as never)
    gateway.socket.say({ reply: { id: 999, data: 1 } })
    assert.equal(stateOf(client), 'connected')
    gateway.socket.onmessage?.({ data: '[' })
    assert.equal(stateOf(client), 'waiting')
  })

  test('closes, stays away, and hears nothing more; and comes back when it is told to', async () => {
    const client = await gateway.connected()
    const room = client.join('board-1')
    const socket = gateway.socket
    const heard: unknown[] = []
    room.onAny(({ data }) => heard.push(data))
    client.close()
    assert.equal(socket.closedWith, 1000)
    socket.broadcast('board-1', 1)
    await pass(60_000)
    assert.deepEqual([gateway.sockets.length, heard], [1, []])
    client.connect()
    await settle()
    gateway.socket.broadcast('board-1', 1)
    assert.deepEqual(heard, [1])
  })

  test('an address that is none is not tried again', async () => {
    const WebSocket = class {
      constructor() {
        throw new SyntaxError('no address')
      }
    } as never
    const client = await gateway.connected({ WebSocket })
    assert.equal(stateOf(client), 'closed')
    assert.throws(() => gateway.client({ url: [] }), TypeError)
  })

  test('a listener that throws harms nobody', async (context) => {
    const thrown: unknown[] = []
    const client = await gateway.connected()
    context.mock.method(globalThis, 'queueMicrotask', (run: () => void) => {
      try {
        run()
      } catch (error) {
        thrown.push(error)
      }
    })
    const room = client.join('board-1')
    const heard: unknown[] = []
    room.on('d', () => {
      throw new Error('of the application')
    })
    room.on('d', (data) => heard.push(data))
    gateway.socket.broadcast('board-1', 1)
    assert.deepEqual([heard, thrown.length], [[1], 1])
    assert.equal(stateOf(client), 'connected')
  })
})
