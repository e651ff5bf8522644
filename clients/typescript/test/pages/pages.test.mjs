// What the demo and the console compute, without a browser. Their modules are loaded by their text: they stand in a folder
// that is no package.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'

const load = (file) => {
  const text = readFileSync(new URL(`../../../../crates/gateway/src/http/${file}`, import.meta.url), 'utf8')
  return import(`data:text/javascript,${encodeURIComponent(text)}`)
}
const { Tasks } = await load('demo/tasks.js')
const { closes, parse, rate, sum } = await load('admin/metrics.js')

/** Broadcasts of a room from number 1 on. */
const told = (...words) => words.map(([destination, data], place) => ({ destination, data, epoch: 'e', seq: place + 1, ts: 1000 + place }))
const create = (id, column = 'todo') => ['create-task', { id, title: id, column, order: 1, by: 'alice' }]
const move = (id, column) => ['update-task', { id, diff: { column }, by: 'bob', updatedAt: 5 }]
const names = (tasks, column) => tasks.in(column).map(({ id }) => id)

describe('the tasks of the demo', () => {
  test('are what was broadcast, once', () => {
    const tasks = new Tasks()
    const words = told(create('a'), create('b'), move('a', 'done'), ['delete-task', { id: 'b' }], move('b', 'done'))
    for (const broadcast of [...words, ...words]) tasks.take(broadcast)
    assert.deepEqual([names(tasks, 'todo'), names(tasks, 'done')], [[], ['a']])
    assert.equal(tasks.all.get('a').by, 'bob')
  })

  test('begin at the last snapshot, and take what it did not know of', () => {
    const before = new Tasks()
    const words = told(create('a'), create('b'))
    for (const broadcast of words) before.take(broadcast)
    const snapshot = before.snapshot()
    // Between the moment it was made and the moment it was numbered somebody moved a task.
    const all = told(create('a'), create('b'), move('b', 'doing'), ['board-snapshot', snapshot], create('c'))
    const tasks = new Tasks()
    assert.equal(tasks.rebuild(all.slice(2)), true)
    assert.deepEqual([names(tasks, 'todo'), names(tasks, 'doing')], [['a', 'c'], ['b']])
    assert.deepEqual(tasks.at, { epoch: 'e', seq: 5 })
    assert.equal(tasks.rebuild(all.slice(1, 3)), false, 'the first is not kept, and nobody said the whole')
  })

  test('that were lost come back without undoing what is there', () => {
    const tasks = new Tasks()
    for (const broadcast of told(create('a', 'done'), ['board-restored', { tasks: [{ id: 'a', column: 'todo' }, { id: 'b', column: 'todo', order: 1 }] }])) tasks.take(broadcast)
    assert.deepEqual([names(tasks, 'done'), names(tasks, 'todo')], [['a'], ['b']])
  })

  test('ask for a snapshot long before the room forgets', () => {
    const tasks = new Tasks()
    const words = told(...Array.from({ length: 150 }, (_, number) => create(`t${number}`)))
    for (const broadcast of words) tasks.take(broadcast)
    assert.equal(tasks.wantsSnapshot, true)
    tasks.take({ destination: 'board-snapshot', data: tasks.snapshot(), epoch: 'e', seq: 151 })
    assert.equal(tasks.wantsSnapshot, false)
  })
})

describe('metrics', () => {
  const text = '# HELP x y\n# TYPE x counter\nx_total{code="1006",a="b"} 3\nx_total{code="4500",a="b"} 4\nup 1\nspeed_seconds 1.5e-3\n'
  test('are read', () => {
    const metrics = parse(text)
    assert.deepEqual(metrics.get('x_total')[0], { labels: { code: '1006', a: 'b' }, value: 3 })
    assert.deepEqual([sum(metrics, 'x_total'), sum(metrics, 'speed_seconds'), sum(metrics, 'none')], [7, 0.0015, 0])
  })

  test('grow by so much a second, also over the beginning of a new node', () => {
    assert.deepEqual([rate(10, 16, 3), rate(16, 4, 2), rate(1, 2, 0)], [2, 2, 0])
  })

  test('every close code of the protocol has a name', async () => {
    const { closeCodes } = await import('../../build/src/generated.js')
    for (const { code } of Object.values(closeCodes)) assert.ok(closes[code], String(code))
  })
})
