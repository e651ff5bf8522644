// Frames in both codecs, against the vectors that the Rust side is tested with.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { json } from '../../src/codec.js'
import { roomName } from '../../src/index.js'
import { msgpack } from '../../src/msgpack.js'

const vectors = resolve(import.meta.dirname, '../../../../../crates/protocol/tests/vectors')
const read = (file: string) => JSON.parse(readFileSync(resolve(vectors, file), 'utf8'))
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex')).buffer

test('frames of the server mean the same in both codecs', () => {
  const frames: { name: string; json: string; msgpack: string }[] = read('server_frames.json')
  assert.ok(frames.length > 3)
  for (const frame of frames) assert.deepEqual(msgpack.decode(bytes(frame.msgpack)), json.decode(frame.json), frame.name)
})

test('what a client says in MessagePack is what it says in JSON', () => {
  for (const { frame, error } of read('client_frames.json')) {
    if (error) continue
    const encoded = msgpack.encode({ args: {}, ...frame }) as Uint8Array<ArrayBuffer>
    assert.deepEqual(msgpack.decode(encoded.slice().buffer), JSON.parse(json.encode({ args: {}, ...frame }) as string))
  }
  const odd = { endpoint: 'x', args: { date: new Date(5), none: undefined, nan: Number.NaN, list: [undefined] } }
  const encoded = msgpack.encode(odd) as Uint8Array<ArrayBuffer>
  assert.deepEqual(msgpack.decode(encoded.slice().buffer), JSON.parse(JSON.stringify(odd)))
})

test('a frame of the other type, and what is none, are refused', () => {
  assert.throws(() => json.decode(new ArrayBuffer(1)))
  assert.throws(() => msgpack.decode('{}'))
  assert.throws(() => json.decode('5'))
  assert.throws(() => msgpack.decode(bytes('c1')))
})

test('names of rooms', () => {
  assert.equal(roomName.chat('b', 'a'), 'chat-a-b')
  assert.equal(roomName.chat('B', 'a'), 'chat-B-a')
  assert.equal(roomName.boardTasks('7'), 'board-7-tasks')
  assert.equal(roomName.pool(), 'pool')
})
