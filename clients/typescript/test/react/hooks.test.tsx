// The hooks: what they show, and that nothing is left when they are gone.

import './dom.js'
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { act, type ReactNode, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import type { HallwayClient, Message } from '../../src/index.js'
import { HallwayProvider, useConnection, useMessages, usePresence, useRoom, useTyping } from '../../src/react/index.js'
import { FakeGateway, settle } from '../support/fake.js'

let gateway: FakeGateway
let client: HallwayClient
let root: Root
let page: HTMLElement
beforeEach(async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  gateway = new FakeGateway()
  client = await gateway.connected()
  page = document.createElement('div')
  root = createRoot(page)
})
afterEach(async () => {
  await act(async () => root.unmount())
  gateway.close()
  mock.timers.reset()
})

/** Shows it, in strict mode, in which everything is mounted twice. */
const show = (node: ReactNode) =>
  act(async () => {
    root.render(
      <StrictMode>
        <HallwayProvider client={client}>{node}</HallwayProvider>
      </StrictMode>,
    )
    await settle()
  })
const happens = (what: () => void) =>
  act(async () => {
    what()
    await settle()
  })
const pass = (ms: number) => happens(() => mock.timers.tick(ms))
const asked = (endpoint: string) => gateway.sockets.flatMap((socket) => socket.asked(endpoint))

test('useConnection shows how it is', async () => {
  const Shown = () => <p>{useConnection().state}</p>
  await show(<Shown />)
  assert.equal(page.textContent, 'connected')
  await happens(() => gateway.socket.end(1006))
  assert.equal(page.textContent, 'waiting')
  await pass(250)
  assert.equal(page.textContent, 'connected')
})

test('useRoom hears with the functions of the last rendering, and leaves a while after the last component', async () => {
  const heard: string[] = []
  const Shown = ({ name, mark }: { name: string | null; mark: string }) => {
    const { status } = useRoom(name, {
      on: { 'update-task': (_, { seq }) => heard.push(`${mark}${seq}`) },
      onResync: () => heard.push(`${mark} resync`),
    })
    return <p>{status.state}</p>
  }
  await show(<Shown name="board-1" mark="a" />)
  assert.equal(page.textContent, 'joined')
  await happens(() => gateway.socket.broadcast('board-1', 1, {}, 'update-task'))
  await show(<Shown name="board-1" mark="b" />)
  await happens(() => gateway.socket.broadcast('board-1', 2, {}, 'update-task'))
  await happens(() => gateway.socket.broadcast('board-1', 9, {}, 'room.resync'))
  assert.deepEqual(heard, ['a1', 'b2', 'b resync'])
  await pass(5_000)
  assert.deepEqual([asked('rooms.join').length, asked('rooms.leave').length], [1, 0])
  await show(<Shown name="board-2" mark="c" />)
  await happens(() => gateway.socket.broadcast('board-1', 10, {}, 'update-task'))
  assert.equal(heard.length, 3)
  assert.equal(asked('rooms.leave').length, 0)
  await pass(1_000)
  assert.deepEqual(asked('rooms.leave').map(({ args }) => args), [{ room: 'board-1' }])
  await show(<Shown name={null} mark="d" />)
  await pass(1_000)
  assert.equal(asked('rooms.leave').length, 2)
})

test('useTyping shows the others, and stops with its component', async () => {
  let start: () => void = () => undefined
  const Shown = () => {
    const typing = useTyping('chat-a-b')
    start = typing.start
    return <p>{typing.users.join()}</p>
  }
  await show(<Shown />)
  await happens(() => gateway.socket.news('chat-a-b', 'typing-started', { userId: 'b' }))
  assert.equal(page.textContent, 'b')
  await happens(() => start())
  await show(null)
  assert.deepEqual([asked('typing.start').length, asked('typing.stop').length], [1, 1])
})

test('usePresence shows the people of a room, or users wherever they are', async () => {
  gateway.answers['rooms.info'] = () => ({ data: { room: 'board-1', users: [{ userId: 'a', status: 'DND', sockets: 1 }], userCount: 1, socketCount: 1 } })
  gateway.answers['presence.get'] = ({ userIds }: { userIds: string[] }) => ({ data: { users: userIds.map((userId) => ({ userId, status: 'IDLE' })) } })
  const People = () => <p>{usePresence('board-1').users.map(({ userId, status }) => userId + status)}</p>
  await show(<People />)
  assert.equal(page.textContent, 'aDND')
  const Users = () => <p>{usePresence({ users: ['b', 'c'] }).map(({ userId, status }) => userId + status)}</p>
  await show(<Users />)
  assert.equal(page.textContent, 'bIDLEcIDLE')
  await happens(() => gateway.socket.news('presence-b', 'presence-updated', { userId: 'b', status: 'OFFLINE' }))
  assert.equal(page.textContent, 'bOFFLINEcIDLE')
})

test('useMessages shows a message at once, and once', async () => {
  const fixed = { room: 'chat-a-b', fromUserId: 'me', type: 'TEXT', replyToId: null, createdAt: 1, editedAt: null, deletedAt: null, reactions: [] }
  gateway.answers['messages.list'] = () => ({ data: { messages: [], nextCursor: null } })
  gateway.byHand.add('messages.send')
  let send: (content: string) => unknown = () => undefined
  const Shown = () => {
    const { messages, pending, state, ...deeds } = useMessages('chat-a-b')
    send = deeds.send
    return <p>{[state, ...messages.map(({ content }) => `${content}!`), ...pending.map(({ content }) => `${content}?`)].join(' ')}</p>
  }
  await show(<Shown />)
  assert.equal(page.textContent, 'ready')
  await happens(() => send('hi'))
  assert.equal(page.textContent, 'ready hi?')
  const args = asked('messages.send')[0]?.args as Message
  const stored = { ...fixed, id: '01', content: 'hi', clientMessageId: args.clientMessageId }
  await happens(() => gateway.socket.reply('messages.send', { data: stored }))
  await happens(() => gateway.socket.broadcast('chat-a-b', 1, stored, 'new-message'))
  assert.equal(page.textContent, 'ready hi!')
})

test('without a provider it says so', async (context) => {
  context.mock.method(console, 'error', () => undefined)
  const Shown = () => <p>{useConnection().state}</p>
  await assert.rejects(async () => act(async () => root.render(<Shown />)), /HallwayProvider/)
})
