// Messages, typing, presence, people and lobbies, as far as this side goes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HallwayError, type Message } from '../../src/index.js'
import { eachWithFake, FakeGateway, pass, settle } from '../support/fake.js'

let gateway: FakeGateway
eachWithFake((fresh) => (gateway = fresh))

function message(id: string, more: Partial<Message> = {}): Message {
  const fixed = { room: 'chat-a-b', fromUserId: 'b', type: 'TEXT' as const, content: id, replyToId: null }
  return { id, ...fixed, clientMessageId: null, createdAt: 1, editedAt: null, deletedAt: null, reactions: [], ...more }
}

test('messages are loaded, heard, changed, and stand in their order', async () => {
  const asked: unknown[] = []
  gateway.answers['messages.list'] = (args: { before?: string }) => {
    asked.push(args)
    return { data: args.before ? { messages: [message('01')], nextCursor: null } : { messages: [message('02'), message('03')], nextCursor: '02' } }
  }
  const client = await gateway.connected()
  const list = client.join('chat-a-b').messages
  const ids = () => list.view.value.messages.map(({ id, content }) => `${id} ${content}`)
  assert.equal(list.view.value.state, 'loading')
  await settle()
  assert.deepEqual([list.view.value.state, list.view.value.hasOlder, ids()], ['ready', true, ['02 02', '03 03']])
  gateway.socket.broadcast('chat-a-b', 1, message('04'), 'new-message')
  gateway.socket.broadcast('chat-a-b', 2, message('03', { content: 'edited', editedAt: 2 }), 'message-edited')
  await list.loadOlder()
  assert.deepEqual(ids(), ['01 01', '02 02', '03 edited', '04 04'])
  assert.equal(list.view.value.hasOlder, false)
  // A told gap is filled from the time up to which everything was heard, with a margin.
  gateway.socket.say({ broadcast: { room: 'chat-a-b', destination: 'room.resync', data: {}, seq: 9, epoch: 'e', ts: 1 } })
  await settle()
  assert.deepEqual(asked.slice(2), [
    { room: 'chat-a-b', since: 1002 - 5000, limit: 50 },
    ...Array.from({ length: 19 }, () => ({ room: 'chat-a-b', after: '02', limit: 50 })),
    { room: 'chat-a-b', limit: 50 },
  ])
})

test('a list that could not be loaded is loaded with the next connection', async () => {
  gateway.answers['messages.list'] = () => ({ error: { code: 'unavailable' } })
  const client = await gateway.connected()
  const list = client.join('chat-a-b').messages
  await settle()
  assert.equal(list.view.value.state, 'failed')
  assert.ok(list.view.value.error instanceof HallwayError)
  gateway.answers['messages.list'] = () => ({ data: { messages: [message('01')], nextCursor: null } })
  gateway.socket.end(1006)
  await pass(250)
  assert.deepEqual([list.view.value.state, list.view.value.messages.length], ['ready', 1])
})

test('what is done to a message is asked for and shown', async () => {
  gateway.answers['messages.list'] = () => ({ data: { messages: [message('01')], nextCursor: null } })
  gateway.answers['messages.edit'] = ({ content }: { content: string }) => ({ data: message('01', { content }) })
  gateway.answers['messages.delete'] = () => ({ data: message('01', { content: '', deletedAt: 9 }) })
  gateway.answers['messages.react'] = ({ reaction }: { reaction: string }) => ({
    data: message('01', { reactions: [{ reaction, count: 1, users: ['me'] }] }),
  })
  const client = await gateway.connected()
  const list = client.join('chat-a-b').messages
  await settle()
  const first = () => list.view.value.messages[0]
  await list.edit('01', 'new')
  assert.equal(first()?.content, 'new')
  await list.react('01', '👍')
  assert.deepEqual(gateway.socket.asked('messages.react')[0]?.args, { room: 'chat-a-b', messageId: '01', reaction: '👍', on: true })
  assert.equal(first()?.reactions[0]?.count, 1)
  await list.delete('01')
  assert.equal(first()?.deletedAt, 9)
  await list.read('01')
  assert.equal(gateway.socket.asked('messages.read').length, 1)
})

test('typing is said once in a while, and ends by itself, at a message, and with the handle', async () => {
  const client = await gateway.connected()
  const room = client.join('chat-a-b')
  const said = () => gateway.socket.frames.map(({ endpoint }) => endpoint).filter((name) => name.startsWith('typing'))
  for (let n = 0; n < 30; n += 1) {
    room.typing.start()
    await pass(200)
  }
  assert.deepEqual(said(), ['typing.start', 'typing.start'])
  await pass(5_000)
  assert.deepEqual(said().slice(2), ['typing.stop'])
  room.typing.start()
  room.messages.send('x')
  await pass(6_000)
  assert.deepEqual(said().slice(3), ['typing.start'])
  room.typing.start()
  room.leave()
  assert.deepEqual(said().slice(4), ['typing.start', 'typing.stop'])
})

test('others who write are forgotten when they stop, send, leave or fall silent', async () => {
  const client = await gateway.connected()
  const room = client.join('chat-a-b')
  const { users } = room.typing
  const start = (userId: string) => gateway.socket.news('chat-a-b', 'typing-started', { userId })
  for (const user of ['a', 'b', 'c', 'd', 'me', 'a']) start(user)
  assert.deepEqual(users.value, ['a', 'b', 'c', 'd'])
  gateway.socket.news('chat-a-b', 'typing-stopped', { userId: 'a' })
  gateway.socket.broadcast('chat-a-b', 1, message('01', { fromUserId: 'b' }), 'new-message')
  gateway.socket.news('chat-a-b', 'user-left', { userId: 'c' })
  assert.deepEqual(users.value, ['d'])
  await pass(11_000)
  start('d')
  await pass(11_000)
  assert.deepEqual(users.value, ['d'])
  await pass(1_000)
  assert.deepEqual(users.value, [])
})

test('the people of a room are asked for again after every return', async () => {
  let users = [{ userId: 'a', status: 'ONLINE', sockets: 2 }]
  gateway.answers['rooms.info'] = () => ({ data: { room: 'board-1', users, userCount: users.length, socketCount: 2 } })
  const client = await gateway.connected()
  const { view } = client.join('board-1').people
  const names = () => view.value.users.map(({ userId, status }) => `${userId} ${status}`)
  await settle()
  assert.deepEqual([names(), view.value.isFresh], [['a ONLINE'], true])
  gateway.socket.news('board-1', 'user-joined', { userId: 'b' })
  gateway.socket.news('board-1', 'presence-updated', { userId: 'a', status: 'DND' })
  assert.deepEqual(names(), ['a DND', 'b ONLINE'])
  gateway.socket.news('board-1', 'user-left', { userId: 'a' })
  assert.deepEqual(names(), ['b ONLINE'])
  users = [{ userId: 'c', status: 'IDLE', sockets: 1 }]
  gateway.socket.end(1006)
  assert.equal(view.value.isFresh, false)
  await pass(250)
  assert.deepEqual([names(), view.value.isFresh], [['c IDLE'], true])
})

test('a watched user is asked for and heard of', async () => {
  gateway.answers['presence.get'] = ({ userIds }: { userIds: string[] }) => ({
    data: { users: userIds.map((userId) => ({ userId, status: 'IDLE' })) },
  })
  gateway.answers['presence.update'] = ({ status }: { status: string }) => ({ data: { status } })
  const client = await gateway.connected()
  assert.equal(await client.presence.update('DND'), 'DND')
  const watch = client.presence.watch('b')
  await settle()
  assert.equal(watch.presence.value?.status, 'IDLE')
  gateway.socket.news('presence-b', 'presence-updated', { userId: 'b', status: 'OFFLINE', lastSeenAt: 5 })
  assert.deepEqual(watch.presence.value, { userId: 'b', status: 'OFFLINE', lastSeenAt: 5 })
  watch.stop()
  assert.deepEqual(gateway.socket.asked('rooms.leave')[0]?.args, { room: 'presence-b' })
})

test('lobbies are asked for, and a conflict carries the one there is', async () => {
  const lobby = { lobbyId: 'l', ownerId: 'me', name: null, capacity: 4, members: [], createdAt: 1 }
  gateway.answers['lobby.create'] = () => ({ error: { code: 'conflict', lobby } as never })
  gateway.answers['lobby.list'] = () => ({ data: { lobbies: [lobby], nextCursor: null } })
  gateway.answers['lobby.get'] = (args: object) => ('lobbyId' in args ? { data: lobby } : { error: { code: 'not-found', message: 'you are in no lobby' } })
  const client = await gateway.connected()
  await assert.rejects(client.lobbies.create({ name: 'x' }), (error: HallwayError) => 'lobby' in (error.body ?? {}))
  assert.equal((await client.lobbies.list()).lobbies.length, 1)
  assert.equal(await client.lobbies.get(), null)
  assert.equal((await client.lobbies.get('l'))?.capacity, 4)
  assert.equal(client.lobbies.room('l').name, 'lobby-l')
  const heard = new Promise((resolve) => client.lobbies.news().on('lobby-created', ({ lobbyId }) => resolve(lobbyId)))
  gateway.socket.news('pool', 'lobby-created', lobby)
  assert.equal(await heard, 'l')
})
