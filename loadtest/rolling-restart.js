// Nodes are restarted one after another under load: SOCKETS over ROOMS rooms, RATE broadcasts a second, until every node was
// started anew and some seconds longer. Clients go where they are sent; nothing may be missing or come twice, and no
// publish may fail. Someone else restarts: `loadtest/rolling`.

import { sleep } from 'k6';
import { atLeast, begin, nothingWrong } from './lib/metrics.js';
import { connect, each, holding, LAST_WORD, numbers, waitForRoom } from './lib/crowd.js';
import { nodes, publishSurely } from './lib/api.js';
import { untilLastWord } from './lib/comeback.js';
import { summary, trends } from './lib/summary.js';
import { amount, settings } from './lib/settings.js';

const sockets = amount('SOCKETS', 300);
const rooms = amount('ROOMS', 10);
const rate = amount('RATE', 40);
const longest = amount('LONGEST', 240);
const seconds = amount('GATHER', 60) + longest + 30;
const names = Array.from({ length: rooms }, (_, number) => `board-lt-${settings.run}-rolling-${number}`);

export const options = {
  scenarios: {
    listen: holding(sockets, `${seconds + 30}s`, 'listeners'),
    speak: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: `${seconds + 30}s`, exec: 'speaker' },
  },
  // Each client is sent away at least once: by the node that it was on at first.
  thresholds: { ...nothingWrong, ...atLeast({ opened: sockets, moved: sockets }) },
  summaryTrendStats: trends,
};

export async function listeners() {
  begin();
  const over = [];
  await each(numbers(sockets), async (number) => {
    const client = await connect(number);
    over.push(untilLastWord(client, names[number % rooms], { seconds, away: 1000 }));
  });
  await Promise.all(over);
}

export function speaker() {
  for (let room = 0; room < rooms; room++) {
    waitForRoom(names[room], Math.floor(sockets / rooms) + (room < sockets % rooms ? 1 : 0), amount('GATHER', 60));
  }
  const before = nodes();
  // What `loadtest/rolling` waits for.
  console.log('everyone is there');
  const began = Date.now();
  let said = 0;
  let left = Infinity;
  while (left > 0 && Date.now() < began + longest * 1000) {
    publishSurely(names[said % rooms], 'loadtest', { said }, `${settings.run}-${said}`);
    said++;
    left--;
    const ahead = began + (said / rate) * 1000 - Date.now();
    if (ahead > 0) sleep(ahead / 1000);
    if (left === Infinity && said % rate === 0 && areNew(before, nodes())) left = rate * 5;
  }
  for (const name of names) publishSurely(name, LAST_WORD, {}, `${settings.run}-${name}`);
}

function areNew(before, now) {
  if (!before || !now) return false;
  return Object.keys(before).every((name) => now[name] && now[name].startedAt !== before[name].startedAt);
}

export const handleSummary = summary('rolling-restart');
