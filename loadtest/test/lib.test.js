// What of the library runs outside of k6: `node --test loadtest/test/`. A judge that finds nothing must be known to find.

import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, encode } from '../lib/msgpack.js';
import { Places } from '../lib/places.js';

test('MessagePack comes back as it went', () => {
  const numbers = [0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -32, -33, -128, -129, -(2 ** 31), -(2 ** 40), 1.5, -0.25, 1e300];
  const texts = ['', 'a', 'ä€😀', 'x'.repeat(31), 'x'.repeat(32), 'ä'.repeat(200), 'x'.repeat(70000)];
  const value = { numbers, texts, nothing: null, yes: true, no: false, list: Array.from({ length: 20 }, (_, i) => i), deep: { a: { b: [{}] } } };
  assert.deepEqual(decode(encode(value)), value);
  const wide = Object.fromEntries(Array.from({ length: 70000 }, (_, i) => [`k${i}`, i]));
  assert.deepEqual(decode(encode(wide)), wide);
});

test('MessagePack is what others write', () => {
  const hex = (text) => Uint8Array.from(text.match(/../g), (byte) => parseInt(byte, 16)).buffer;
  // From the specification's table of formats.
  assert.deepEqual(decode(hex('82a37365710ca5726f6f6d73c0')), { seq: 12, rooms: null });
  assert.deepEqual(decode(hex('93cc80cd0100ce00010000')), [128, 256, 65536]);
  assert.deepEqual(decode(hex('94d0ffd1ff7fd2ffff0000d3ffffffff00000000')), [-1, -129, -65536, -(2 ** 32)]);
  assert.deepEqual(decode(hex('92ca3fc00000d904c3a4c3b6')), [1.5, 'äö']);
  assert.throws(() => decode(hex('c0c0')));
  assert.throws(() => decode(hex('c403010203')));
});

function judged(play) {
  const counts = {};
  const places = new Places((what, times) => {
    counts[what] = (counts[what] || 0) + times;
  });
  places.joined('r', { state: { epoch: 'e', seq: 5 }, recovered: false, missed: [] }, () => {});
  const heard = (seq, epoch = 'e', more = {}) => places.heard({ room: 'r', destination: 'd', seq, epoch, ...more });
  play(heard, places);
  return counts;
}

test('numbers are judged', () => {
  assert.deepEqual(judged((heard) => [6, 7, 8].forEach((seq) => heard(seq))), { delivered: 3 });
  const news = { destination: 'user-joined' };
  assert.deepEqual(judged((heard) => [heard(6), heard(7, 'e', news), heard(9)]), { delivered: 2, lost: 1 });
  assert.deepEqual(judged((heard) => [6, 9].forEach((seq) => heard(seq))), { delivered: 2, lost: 2 });
  assert.deepEqual(judged((heard) => [6, 6, 7].forEach((seq) => heard(seq))), { delivered: 3, doubled: 1 });
  assert.deepEqual(judged((heard) => [7, 6].forEach((seq) => heard(seq))), { delivered: 2, lost: 1, doubled: 1 });
  assert.deepEqual(judged((heard) => [heard(6), heard(3, 'f')]), { delivered: 2, lost: 2 });
});

test('a gap that is told is no loss', () => {
  const resync = { destination: 'room.resync', data: { lastBroadcastTimestamp: 1 } };
  assert.deepEqual(judged((heard) => [heard(6), heard(20, 'e', resync), heard(21)]), { delivered: 2, told: 1 });
});

test('a return is judged by what it brings', () => {
  const missed = [6, 7].map((seq) => ({ room: 'r', destination: 'd', seq, epoch: 'e' }));
  const back = (reply) => judged((heard, places) => {
    places.joined('r', reply, (one) => places.heard(one));
    heard(8);
  });
  assert.deepEqual(back({ recovered: true, missed, state: { epoch: 'e', seq: 7 } }), { delivered: 3 });
  assert.deepEqual(back({ recovered: true, missed: missed.slice(1), state: { epoch: 'e', seq: 7 } }), { delivered: 2, lost: 1 });
  assert.deepEqual(back({ recovered: false, missed: [], state: { epoch: 'e', seq: 7 } }), { delivered: 1, told: 1 });
  assert.deepEqual(back({ error: { code: 'forbidden' } }), { failed: 1, delivered: 1, lost: 2 });
});
