// The judge of the tests under faults finds what it is there to find.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broadcast, HallwayClient, Position } from '../../src/index.js'
import type { Happening } from '../../src/ledger.js'
import { judge, Listener } from '../cluster/judge.js'

const says = (seq: number, epoch = 'e'): Broadcast => ({ room: 'r', destination: 'd', data: `r ${seq}`, seq, epoch, ts: 1 })

function faultsOf(broadcasts: Broadcast[], ...more: Happening[]): string[] {
  const published = new Map<string, Position | undefined>([1, 2, 3].map((seq) => [`r ${seq}`, { epoch: 'e', seq }]))
  let tell: (happening: Happening) => void = () => undefined
  const client = { onHappening: (listener: typeof tell) => (tell = listener) } as unknown as HallwayClient
  const listener = new Listener('client', client)
  tell({ type: 'joined', room: 'r', at: null })
  for (const broadcast of broadcasts) tell({ type: 'broadcast', broadcast })
  for (const happening of more) tell(happening)
  return judge([listener], published).faults
}

test('what is right is right, and what is not is found', () => {
  assert.deepEqual(faultsOf([says(1), says(2), says(3)]), [])
  for (const wrong of [
    [says(1), says(3)],
    [says(1), says(2)],
    [says(2), says(3)],
    [says(1), says(2), says(2), says(3)],
    [says(1), says(3), says(2)],
    [says(1), says(2), says(3, 'f')],
    [says(1), says(2), { ...says(3), data: 'r 7' }],
    [],
  ]) {
    assert.ok(faultsOf(wrong).length > 0, JSON.stringify(wrong))
  }
  const all = [says(1), says(2), says(3)]
  assert.ok(faultsOf(all, { type: 'resync', room: 'r', cause: 'told', at: null, since: null }).length > 0)
  assert.ok(faultsOf(all, { type: 'joined', room: 'r', at: null }).length > 0)
})
