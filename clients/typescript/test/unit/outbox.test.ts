// Messages on their way: each stored once, in order, or failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HallwayClient, Message } from '../../src/index.js'
import { eachWithFake, FakeGateway, pass, settle } from '../support/fake.js'

let gateway: FakeGateway
let stored: string[]
eachWithFake((fresh) => {
  gateway = fresh
  stored = []
  gateway.answers['messages.send'] = (args: { content: string; clientMessageId: string; room: string }) => {
    stored.push(args.content)
    return { data: message(args) }
  }
})

function message(more: Partial<Message>): Message {
  const fixed = { id: '01', room: 'chat-a-b', fromUserId: 'me', type: 'TEXT' as const, content: 'x', replyToId: null }
  return { ...fixed, clientMessageId: null, createdAt: 1, editedAt: null, deletedAt: null, reactions: [], ...more }
}

const states = (client: HallwayClient) => client.outbox.value.map(({ content, state }) => `${content} ${state}`)
const send = (client: HallwayClient, content: string, room = 'chat-a-b') => client.outbox.send({ room, content })

test('what is said without a connection is sent with the next one, in order', async () => {
  gateway.isUp = false
  const client = await gateway.connected()
  const sent = ['one', 'two', 'three'].map((content) => send(client, content))
  assert.deepEqual(states(client), ['one waiting', 'two waiting', 'three waiting'])
  gateway.isUp = true
  await pass(250)
  assert.deepEqual(await Promise.all(sent.map(async ({ stored }) => (await stored).content)), ['one', 'two', 'three'])
  assert.deepEqual([stored, states(client)], [['one', 'two', 'three'], []])
})

test('one that was not acknowledged is repeated under its own name', async () => {
  gateway.byHand.add('messages.send')
  const client = await gateway.connected()
  const { clientMessageId, stored: confirmed } = send(client, 'one')
  assert.deepEqual(states(client), ['one sending'])
  gateway.socket.end(1006)
  await settle()
  assert.deepEqual(states(client), ['one waiting'])
  gateway.byHand.clear()
  await pass(250)
  await pass(250)
  assert.equal((await confirmed).clientMessageId, clientMessageId)
  const asked = gateway.sockets.flatMap((socket) => socket.asked('messages.send'))
  assert.deepEqual(asked.map(({ args }) => (args as Message).clientMessageId), [clientMessageId, clientMessageId])
})

test('one that is heard is confirmed, though its acknowledgement was lost', async () => {
  gateway.byHand.add('messages.send')
  const client = await gateway.connected()
  const room = client.join('chat-a-b')
  const list = room.messages
  const { clientMessageId, stored: confirmed } = list.send('one')
  assert.equal(list.view.value.pending.length, 1)
  gateway.socket.end(1006)
  await pass(250)
  gateway.socket.broadcast('chat-a-b', 1, message({ clientMessageId }), 'new-message')
  assert.equal((await confirmed).id, '01')
  assert.deepEqual([list.view.value.pending, list.view.value.messages.map(({ id }) => id)], [[], ['01']])
})

test('what is refused for good fails, and others go on; it can be tried again or forgotten', async () => {
  gateway.answers['messages.send'] = ({ content }: { content: string }) =>
    content === 'bad' ? { error: { code: 'too-large' } } : { data: message({ content }) }
  const client = await gateway.connected()
  const bad = send(client, 'bad')
  const good = send(client, 'good')
  await assert.rejects(bad.stored, { code: 'too-large' })
  assert.equal((await good.stored).content, 'good')
  assert.deepEqual(states(client), ['bad failed'])
  const again = client.outbox.retry(bad.clientMessageId)
  assert.equal(again?.clientMessageId, bad.clientMessageId)
  await assert.rejects(again!.stored, { code: 'too-large' })
  client.outbox.discard(bad.clientMessageId)
  assert.deepEqual(states(client), [])
  assert.equal(client.outbox.retry('unknown'), undefined)
})

test('a server that is away, or wants it slower, is asked again when it says', async () => {
  let answers = [{ error: { code: 'unavailable', retryAfterMs: 400 } }, { error: { code: 'rate-limited', retryAfterMs: 30 } }, undefined]
  gateway.answers['messages.send'] = ({ content }: { content: string }) => answers.shift() ?? { data: message({ content }) }
  const client = await gateway.connected()
  const { stored: confirmed } = send(client, 'one')
  await settle()
  assert.equal(client.outbox.value[0]?.error?.code, 'unavailable')
  await pass(399)
  assert.equal(answers.length, 2)
  await pass(1)
  await pass(30)
  assert.equal((await confirmed).content, 'one')
  // A fault of the server's own is not tried for ever.
  answers = Array.from({ length: 9 }, () => ({ error: { code: 'internal' } as never }))
  const failing = send(client, 'two')
  for (let n = 0; n < 6; n += 1) await pass(15_000)
  await assert.rejects(failing.stored, { code: 'internal' })
  assert.equal(answers.length, 4)
})

test('rooms do not wait for one another', async () => {
  gateway.byHand.add('messages.send')
  const client = await gateway.connected()
  send(client, 'one', 'chat-a-b')
  send(client, 'two', 'chat-a-b')
  send(client, 'three', 'chat-a-c')
  assert.deepEqual(states(client), ['one sending', 'two waiting', 'three sending'])
})

test('too many are refused and counted, and a name is used once', async () => {
  gateway.isUp = false
  const client = await gateway.connected({ maxOutbox: 2 })
  client.outbox.send({ room: 'chat-a-b', content: 'x', clientMessageId: 'same' })
  assert.throws(() => client.outbox.send({ room: 'chat-a-b', content: 'x', clientMessageId: 'same' }), { code: 'conflict' })
  send(client, 'y')
  assert.throws(() => send(client, 'z'), { code: 'queue-full' })
  assert.equal(client.stats.outboxRefused, 1)
})
