// One room with everyone in it: a broadcast to each socket. SOCKETS in it, COUNT broadcasts of BYTES, RATE a second.

import { exact, nothingWrong } from './lib/metrics.js';
import { holding, listen, speak, waitForRoom } from './lib/crowd.js';
import { summary, trends } from './lib/summary.js';
import { amount, settings } from './lib/settings.js';

const sockets = amount('SOCKETS', 500);
const speech = { count: amount('COUNT', 50), rate: amount('RATE', 10), bytes: amount('BYTES', 100) };
const room = `board-lt-${settings.run}-large`;
const seconds = amount('GATHER', 60) + speech.count / speech.rate + 30;

export const options = {
  scenarios: {
    listen: holding(sockets, `${seconds + 30}s`, 'listeners'),
    speak: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: `${seconds + 30}s`, exec: 'speaker' },
  },
  thresholds: { ...nothingWrong, ...exact({ opened: sockets, delivered: sockets * (speech.count + 1) }) },
  summaryTrendStats: trends,
};

export async function listeners() {
  await listen(sockets, () => room, seconds);
}

export function speaker() {
  waitForRoom(room, sockets, amount('GATHER', 60));
  speak([room], speech);
}

export const handleSummary = summary('large-room');
