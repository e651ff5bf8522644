// Clients that come, join a room and go: what a connection costs. RATE a second for DURATION; MOST under way.

import { atLeast, begin, nothingWrong } from './lib/metrics.js';
import { Client } from './lib/client.js';
import { summary, trends } from './lib/summary.js';
import { token } from './lib/token.js';
import { amount, settings } from './lib/settings.js';
import exec from 'k6/execution';

const rate = amount('RATE', 50);
const duration = amount('DURATION', 10);

export const options = {
  scenarios: {
    connect: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${duration}s`,
      preAllocatedVUs: amount('MOST', Math.min(200, rate * 2)),
    },
  },
  thresholds: { ...nothingWrong, ...atLeast({ opened: 1 }), hallway_open: ['p(95)<5000'], dropped_iterations: ['rate<1'] },
  summaryTrendStats: trends,
};

export default async function () {
  begin();
  const number = exec.scenario.iterationInTest;
  const shown = token(`lt-${settings.run}-${number}`);
  // Every other one as a browser without a cookie may do it: in the first frame.
  const inHandshake = number % 2 === 0;
  const client = new Client({ token: inHandshake ? shown : undefined });
  try {
    await client.open(inHandshake ? undefined : { endpoint: 'auth.connect', args: { token: shown } });
    await client.join(`board-lt-${settings.run}-${number % 100}`);
    client.close();
  } catch (why) {
    console.error(String(why));
  }
}

export const handleSummary = summary('connect');
