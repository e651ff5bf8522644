// Acknowledgements: in time, too late, never, and not even asked.

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { HallwayError } from '../../src/index.js'
import { eachWithFake, FakeGateway, settle } from '../support/fake.js'

let gateway: FakeGateway
eachWithFake((fresh) => (gateway = fresh))

const fails = (code: string, outcome: string) => (error: unknown) =>
  error instanceof HallwayError && error.code === code && error.outcome === outcome

test('answers reach those who asked, in whatever order', async () => {
  gateway.byHand.add('rooms.state')
  const client = await gateway.connected()
  const answers = ['board-1', 'board-2'].map((room) => client.request('rooms.state', { room }))
  const [first, second] = gateway.socket.asked('rooms.state')
  gateway.socket.say({ reply: { id: second?.id as number, data: 2 } })
  gateway.socket.say({ reply: { id: first?.id as number, data: 1 } })
  assert.deepEqual(await Promise.all(answers), [1, 2])
})

test('an error carries what the server said', async () => {
  gateway.answers['rooms.info'] = () => ({ error: { code: 'rate-limited', retryAfterMs: 70 } })
  const client = await gateway.connected()
  await assert.rejects(client.request('rooms.info', { room: 'x' }), { code: 'rate-limited', outcome: 'refused', retryAfterMs: 70 })
  gateway.answers['rooms.info'] = () => ({ error: { code: 'unavailable' } })
  await assert.rejects(client.request('rooms.info', { room: 'x' }), fails('unavailable', 'unknown'))
})

test('no answer in time, and a lost connection, leave it unknown', async () => {
  gateway.byHand.add('rooms.info')
  const client = await gateway.connected()
  const late = client.request('rooms.info', { room: 'x' })
  mock.timers.tick(10_000)
  await assert.rejects(late, fails('timeout', 'unknown'))
  // An answer that comes after all is nobody's.
  gateway.socket.reply('rooms.info', { data: 1 })
  const lost = client.request('rooms.info', { room: 'x' })
  gateway.socket.end(1006)
  await assert.rejects(lost, fails('connection-lost', 'unknown'))
  await assert.rejects(client.request('rooms.info', { room: 'x' }), fails('disconnected', 'not-sent'))
})

test('what cannot be sent is not', async () => {
  gateway.byHand.add('rooms.info')
  const client = await gateway.connected({ maxRequests: 2, maxFrameBytes: 200 })
  const room = client.join('board-1')
  await assert.rejects(room.broadcast('x', 1n), fails('bad-args', 'not-sent'))
  await assert.rejects(room.broadcast('x', 'é'.repeat(90)), fails('too-large', 'not-sent'))
  await room.broadcast('x', 'é'.repeat(40))
  for (let n = 0; n < 2; n += 1) client.request('rooms.info', { room: 'x' }).catch(() => undefined)
  await assert.rejects(room.info(), fails('queue-full', 'not-sent'))
  assert.equal(client.connection.value.state, 'connected')
  await settle()
})

test('handles share a membership, and the last one to leave ends it', async () => {
  const client = await gateway.connected()
  const [a, b] = [client.join('board-1'), client.join('board-1')]
  assert.equal(gateway.socket.asked('rooms.join').length, 1)
  const heard: string[] = []
  a.on('d', () => heard.push('a'))
  b.on('d', () => heard.push('b'))
  gateway.socket.broadcast('board-1', 1)
  a.leave()
  a.leave()
  gateway.socket.broadcast('board-1', 2)
  assert.deepEqual(heard, ['a', 'b', 'b'])
  assert.equal(gateway.socket.asked('rooms.leave').length, 0)
  b.leave()
  gateway.socket.broadcast('board-1', 3)
  assert.equal(heard.length, 3)
  assert.equal(gateway.socket.asked('rooms.leave').length, 1)
  await assert.rejects(b.ready(), fails('closed', 'not-sent'))
  client.join('board-1')
  assert.equal(gateway.socket.asked('rooms.join').length, 2)
})
