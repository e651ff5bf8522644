// What the compiler knows. Nothing here runs but the last line: that it compiles is the test.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broadcast, DeclaredEndpoint, Endpoints, HallwayClient, Message, Numbers } from '../../src/index.js'

interface Tasks {
  'update-task': { id: number; done: boolean }
  'task-praised': { by: string }
}

/** Names of endpoints that are declared and have no arguments and answer in `wire.ts` or `domain.ts`. */
type Untyped = Exclude<DeclaredEndpoint, keyof Endpoints>
export const untyped: [Untyped] extends [never] ? 'none' : Untyped = 'none'

export async function compiles(client: HallwayClient<Tasks>): Promise<void> {
  const room = client.join('board-1')
  room.on('task-praised', ({ by }) => by.length)
  // The application's own word on an event's data counts.
  room.on('update-task', (data, { seq }) => data.done && seq?.toFixed())
  room.on('new-message', (message: Message) => message.content.length)
  room.on('something-else', (data: unknown, broadcast: Broadcast) => [data, broadcast.room])
  // @ts-expect-error An event of the application has the data that it says.
  room.on('task-praised', (data: { by: number }) => data)
  const numbers: Numbers = await room.broadcast('task-praised', { by: 'x' })
  const { users } = await client.request('rooms.info', { room: 'board-1' })
  users[0]?.userId.length
  // @ts-expect-error An argument is missing.
  await client.request('rooms.history', { limit: 1 })
  // @ts-expect-error Being in rooms is the client's own business.
  await client.request('rooms.join', { room: 'board-1' })
  numbers.ts.toFixed()
}

test('types', () => assert.equal(typeof compiles, 'function'))
