// How far rooms were heard. The same cases as the Rust client's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broadcast, Position } from '../../src/index.js'
import { type Answer, type Happening, Ledger } from '../../src/ledger.js'

const at = (epoch: string, seq: number): Position => ({ epoch, seq })
const state = (epoch: string, seq: number) => ({ epoch, seq, lastBroadcastTimestamp: seq * 10 })
const says = (epoch: string, seq: number, destination = 'd', room = 'board-1'): Broadcast => ({
  room,
  destination,
  data: seq,
  seq,
  epoch,
  ts: seq * 10,
})
const types = (happenings: (Happening | undefined)[]) => happenings.map((happening) => happening?.type)

function joined(): Ledger {
  const ledger = new Ledger()
  assert.ok(ledger.want('board-1') && !ledger.want('board-1'))
  assert.deepEqual(ledger.enter('board-1', { state: state('e', 4) }), [{ type: 'joined', room: 'board-1', at: at('e', 4) }])
  return ledger
}

test('what was heard is not heard again', () => {
  const ledger = joined()
  const heard = [says('e', 5), says('e', 5), says('e', 3), says('f', 1)].map((broadcast) => ledger.hear(broadcast))
  assert.deepEqual(types(heard), ['broadcast', 'double', 'double', 'broadcast'])
  assert.deepEqual(ledger.place('board-1'), at('f', 1))
})

test('a gap that is told moves the place even backwards', () => {
  const ledger = joined()
  const told = ledger.hear({ ...says('e', 2, 'room.resync'), data: { lastBroadcastTimestamp: 20 } })
  assert.deepEqual(told, { type: 'resync', room: 'board-1', cause: 'told', at: at('e', 2), since: 40 })
  assert.equal(ledger.hear(says('e', 3))?.type, 'broadcast')
  const data = { lastBroadcastTimestamp: null, position: at('f', 0) }
  const emptied = ledger.hear({ room: 'board-1', destination: 'room.resync', data, ts: 1 })
  assert.deepEqual(emptied, { type: 'resync', room: 'board-1', cause: 'told', at: null, since: 30 })
  assert.deepEqual(ledger.place('board-1'), at('f', 0))
})

test('missed ones come once and count', () => {
  const ledger = joined()
  const answer: Answer = { state: state('e', 6), recovered: true, missed: [says('e', 4), says('e', 5)] }
  const happenings = ledger.enter('board-1', answer)
  assert.deepEqual(types(happenings), ['double', 'broadcast', 'returned'])
  assert.deepEqual(happenings.at(-1), { type: 'returned', room: 'board-1', missed: 1 })
  assert.deepEqual(ledger.place('board-1'), at('e', 5))
})

test('an unmoved room needs no history, and a moved one without is told', () => {
  const ledger = joined()
  assert.deepEqual(types(ledger.enter('board-1', { state: state('e', 4), recovered: false, missed: [] })), ['returned'])
  const moved = ledger.enter('board-1', { state: state('e', 9), recovered: false, missed: [] })
  assert.deepEqual(moved, [{ type: 'resync', room: 'board-1', cause: 'not-recovered', at: at('e', 9), since: 40 }])
  assert.deepEqual(ledger.place('board-1'), at('e', 9))
  assert.deepEqual(types(ledger.enter('board-1', { state: null })), ['resync'])
})

test('an empty room is resumed from where it was empty', () => {
  const ledger = new Ledger()
  ledger.want('board-1')
  const empty: Answer = { state: null, position: at('d', 0), recovered: false, missed: [] }
  assert.deepEqual(ledger.enter('board-1', empty), [{ type: 'joined', room: 'board-1', at: null }])
  assert.deepEqual(ledger.place('board-1'), at('d', 0))
  assert.deepEqual(types(ledger.enter('board-1', { ...empty, position: at('e', 0), recovered: true })), ['returned'])
  assert.deepEqual(ledger.place('board-1'), at('e', 0))
  // Empty again is not empty still, unless it is said.
  assert.deepEqual(types(ledger.enter('board-1', empty)), ['resync'])
  assert.equal(ledger.hear(says('f', 1))?.type, 'broadcast')
  assert.deepEqual(ledger.place('board-1'), at('f', 1))
})

test('included rooms come and go with their home', () => {
  const ledger = joined()
  const tasks = 'board-1-tasks'
  const includes = { [tasks]: { state: state('t', 7), recovered: false, missed: [] } }
  const first = ledger.enter('board-1', { state: state('e', 4), recovered: true, missed: [], includes })
  assert.deepEqual(types(first), ['returned', 'joined'])
  assert.deepEqual([...ledger.placesIncluded('board-1')], [[tasks, at('t', 7)]])
  assert.deepEqual(ledger.places().map((group) => [...group.keys()]), [['board-1', tasks]])
  const missed = [says('t', 8, 'd', tasks)]
  assert.deepEqual(types(ledger.enter(tasks, { state: state('t', 8), recovered: true, missed })), ['broadcast', 'returned'])
  assert.equal(ledger.askedAs(tasks), 'board-1')
  assert.deepEqual(ledger.unsettled(new Set()), new Set(['board-1']))
  // Who is in the home already does not ask for it again.
  assert.equal(ledger.unsettled(new Set(['board-1'])).size, 0)
  assert.equal(ledger.lose(tasks)?.type, 'resync')
  assert.equal(ledger.places()[0]?.get(tasks), null)
  assert.equal(ledger.lose('board-1'), undefined)
  assert.ok(!ledger.forget(tasks) && ledger.forget('board-1'))
  assert.equal(ledger.places().length, 0)
})

test("the user's own room is told of when it has moved", () => {
  const ledger = new Ledger()
  assert.deepEqual(types(ledger.standInOwn('user-1', at('e', 3))), ['joined'])
  assert.deepEqual(types(ledger.standInOwn('user-1', at('e', 3))), ['returned'])
  assert.deepEqual(types(ledger.standInOwn('user-1', at('e', 5))), ['resync'])
  assert.deepEqual(ledger.place('user-1'), at('e', 5))
  assert.equal(ledger.askedAs('user-1'), undefined)
})

test('a room that one is taken out of is not asked for again', () => {
  const ledger = joined()
  const told = ledger.hear({ room: 'board-1', destination: 'room.left', data: { reason: 'no member' } })
  assert.deepEqual(told, { type: 'removed', room: 'board-1', reason: 'no member' })
  assert.ok(!ledger.isWanted('board-1') && ledger.places().length === 0)
})

test('rooms that are not wanted pass through', () => {
  const ledger = new Ledger()
  for (let n = 0; n < 2; n += 1) {
    assert.equal(ledger.hear(says('e', 5))?.type, 'broadcast')
    assert.equal(ledger.hear(says('e', 5, 'room.resync'))?.type, 'resync')
  }
  assert.deepEqual(ledger.enter('board-1', { state: null }), [])
})

test("one's own numbers count as heard, in whatever order they become known", () => {
  const ledger = joined()
  ledger.noteOwn('board-1', at('e', 6))
  assert.deepEqual(ledger.place('board-1'), at('e', 4))
  ledger.noteOwn('board-1', at('e', 5))
  assert.deepEqual(ledger.place('board-1'), at('e', 6))
  ledger.noteOwn('board-1', at('e', 8))
  const missed = [says('e', 7), says('e', 8), says('e', 9)]
  const happenings = ledger.enter('board-1', { state: state('e', 9), recovered: true, missed })
  assert.deepEqual(types(happenings), ['broadcast', 'broadcast', 'returned'])
  // Too late to matter, and of a room that nobody is in.
  ledger.noteOwn('board-1', at('e', 2))
  ledger.noteOwn('board-2', at('e', 1))
  assert.deepEqual(ledger.place('board-1'), at('e', 9))
  // Of another life it says nothing about this one.
  ledger.noteOwn('board-1', at('f', 10))
  assert.deepEqual(ledger.place('board-1'), at('e', 9))
})

test('many own numbers do not pile up', () => {
  const ledger = joined()
  for (let seq = 5; seq < 5000; seq += 1) ledger.noteOwn('board-1', at('e', seq))
  assert.deepEqual(ledger.place('board-1'), at('e', 4999))
  assert.equal(ledger.hear(says('e', 5000))?.type, 'broadcast')
})
