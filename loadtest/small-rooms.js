// Many rooms with a few people each, as boards and groups are. ROOMS of SIZE sockets, COUNT broadcasts in each, RATE a
// second over all of them.

import { exact, nothingWrong } from './lib/metrics.js';
import { holding, listen, speak, waitForRoom } from './lib/crowd.js';
import { summary, trends } from './lib/summary.js';
import { amount, settings } from './lib/settings.js';

const rooms = amount('ROOMS', 50);
const size = amount('SIZE', 8);
const sockets = rooms * size;
const speech = { count: amount('COUNT', 10), rate: amount('RATE', 100), bytes: amount('BYTES', 100) };
const names = Array.from({ length: rooms }, (_, number) => `board-lt-${settings.run}-small-${number}`);
const seconds = amount('GATHER', 60) + (speech.count * rooms) / speech.rate + 30;

export const options = {
  scenarios: {
    listen: holding(sockets, `${seconds + 30}s`, 'listeners'),
    speak: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: `${seconds + 30}s`, exec: 'speaker' },
  },
  thresholds: { ...nothingWrong, ...exact({ opened: sockets, delivered: sockets * (speech.count + 1) }) },
  summaryTrendStats: trends,
};

export async function listeners() {
  await listen(sockets, (number) => names[number % rooms], seconds);
}

export function speaker() {
  for (const name of names) waitForRoom(name, size, amount('GATHER', 60));
  speak(names, speech);
}

export const handleSummary = summary('small-rooms');
