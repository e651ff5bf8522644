// Everyone is thrown out at once and comes back with a ticket, while broadcasts go on: a node that dies, a proxy that
// reloads. SOCKETS over ROOMS rooms, STORMS times, back within AWAY milliseconds. Nothing may be missing or come twice.

import { atLeast, begin, exact, nothingWrong } from './lib/metrics.js';
import { connect, each, holding, numbers, speak, waitForRoom } from './lib/crowd.js';
import { publish } from './lib/api.js';
import { untilLastWord } from './lib/comeback.js';
import { summary, trends } from './lib/summary.js';
import { amount, settings } from './lib/settings.js';

const sockets = amount('SOCKETS', 300);
const rooms = amount('ROOMS', 10);
const storms = amount('STORMS', 2);
const away = amount('AWAY', 1000);
const speech = { count: amount('COUNT', 60), rate: amount('RATE', 60), bytes: amount('BYTES', 100) };
const names = Array.from({ length: rooms }, (_, number) => `board-lt-${settings.run}-storm-${number}`);
const seconds = amount('GATHER', 60) + (speech.count * rooms) / speech.rate + 60;
const STORM = 'loadtest-storm';

export const options = {
  scenarios: {
    listen: holding(sockets, `${seconds + 30}s`, 'listeners'),
    speak: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: `${seconds + 30}s`, exec: 'speaker' },
  },
  thresholds: {
    ...nothingWrong,
    ...atLeast({ opened: sockets * (storms + 1) }),
    // Each room has the speech, the storms and the last word, and each socket hears all of them, on whatever connection.
    ...exact({ delivered: sockets * (speech.count + storms + 1) }),
  },
  summaryTrendStats: trends,
};

export async function listeners() {
  begin();
  const over = [];
  await each(numbers(sockets), async (number) => {
    const client = await connect(number);
    over.push(untilLastWord(client, names[number % rooms], { seconds, away, cue: STORM }));
  });
  await Promise.all(over);
}

export function speaker() {
  for (let room = 0; room < rooms; room++) {
    waitForRoom(names[room], Math.floor(sockets / rooms) + (room < sockets % rooms ? 1 : 0), amount('GATHER', 60));
  }
  const each = Math.floor(speech.count / (storms + 1));
  speak(names, speech, (round) => {
    if (round > 0 && round % each === 0 && round / each <= storms) for (const name of names) publish(name, STORM);
  });
}

export const handleSummary = summary('reconnect-storm');
