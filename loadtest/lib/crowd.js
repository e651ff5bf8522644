// Many sockets in one VU (a VU costs k6 more than a socket), and what a crowd of listeners does until the last word.

import exec from 'k6/execution';
import { sleep } from 'k6';
import { clearTimeout, setTimeout } from 'k6/timers';
import { Client } from './client.js';
import { begin, metrics } from './metrics.js';
import { noteDelivery, publish, socketCount } from './api.js';
import { token } from './token.js';
import { amount, settings } from './settings.js';

// The last broadcast of a run in a room: who hears it has heard everything, or knows what is missing.
export const LAST_WORD = 'loadtest-end';

// Handshakes under way in one VU. A node takes `limits.handshakes` at once.
const OPENING = 10;

export const perVu = amount('PER_VU', 50);

// The executor for so many long-lived sockets: one iteration per VU, which ends when its sockets do.
export function holding(sockets, maxDuration, exec_) {
  const vus = Math.max(1, Math.ceil(sockets / perVu));
  return { executor: 'per-vu-iterations', vus, iterations: 1, maxDuration, gracefulStop: '5s', exec: exec_ };
}

// The numbers of this VU's sockets among all `sockets` of the run, over all k6 processes.
export function numbers(sockets) {
  const first = exec.scenario.iterationInTest * perVu;
  return Array.from({ length: Math.max(0, Math.min(perVu, sockets - first)) }, (_, index) => first + index);
}

// Calls `make` for each, a few at a time. One that fails is counted where it failed and left out.
export async function each(items, make) {
  const made = [];
  const left = [...items];
  const work = async () => {
    while (left.length) {
      try {
        made.push(await make(left.shift()));
      } catch (why) {
        console.error(String(why));
      }
    }
  };
  await Promise.all(Array.from({ length: OPENING }, work));
  return made;
}

// A signed-in connection with a number, so that each is another user.
export async function connect(number) {
  const client = new Client({ token: token(`lt-${settings.run}-${number}`) });
  client.firstHello = await client.open();
  return client;
}

// Opens this VU's sockets, joins each to its room and listens until the last word, or until `seconds` are over, which
// loses it.
export async function listen(sockets, roomOf, seconds) {
  begin();
  await each(numbers(sockets), async (number) => {
    const client = await connect(number);
    const end = lastWord(client, seconds);
    await client.join(roomOf(number));
    // Not awaited here: the next one is to be opened meanwhile.
    end.then(() => client.close());
    return client;
  });
}

// Resolves when the last word was heard.
export function lastWord(client, seconds) {
  return new Promise((resolve) => {
    const give = setTimeout(() => {
      metrics.lost.add(1);
      console.error('the last word was not heard');
      resolve();
    }, seconds * 1000);
    client.onBroadcast = (broadcast) => {
      noteDelivery(broadcast);
      if (broadcast.destination === LAST_WORD) {
        clearTimeout(give);
        resolve();
      }
    };
  });
}

// Waits until so many sockets are in a room. Publishing to fewer would be another test.
export function waitForRoom(room, sockets, seconds) {
  const until = Date.now() + seconds * 1000;
  let count = socketCount(room);
  while (count < sockets) {
    if (Date.now() > until) {
      metrics.failed.add(1, { endpoint: 'gather', code: 'timeout' });
      console.error(`${count} of ${sockets} sockets came to ${room}`);
      return;
    }
    sleep(0.2);
    count = socketCount(room);
  }
}

// Publishes to rooms in turn, `rate` broadcasts a second, `count` in each; then the last word in each.
export function speak(rooms, { count, rate, bytes }, between = () => {}) {
  const padding = 'x'.repeat(bytes);
  const began = Date.now();
  let said = 0;
  for (let round = 0; round < count; round++) {
    between(round);
    for (const room of rooms) {
      publish(room, 'loadtest', { round, padding });
      said++;
      const ahead = began + (said / rate) * 1000 - Date.now();
      if (ahead > 0) sleep(ahead / 1000);
    }
  }
  for (const room of rooms) sayLastWord(room);
}

function sayLastWord(room) {
  // The run hangs without it, so it is tried again. Twice said is heard twice, with two numbers, which hurts no one.
  for (let attempt = 0; attempt < 5; attempt++) {
    if (publish(room, LAST_WORD)) return;
    sleep(1);
  }
}
