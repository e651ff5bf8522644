// Connections that stay and do nothing but answer pings, as most do most of the time. SOCKETS for DURATION seconds.

import { setTimeout } from 'k6/timers';
import { atLeast, begin, nothingWrong } from './lib/metrics.js';
import { connect, each, holding, numbers } from './lib/crowd.js';
import { summary, trends } from './lib/summary.js';
import { amount } from './lib/settings.js';

const sockets = amount('SOCKETS', 500);
const duration = amount('DURATION', 15);

export const options = {
  scenarios: { hold: holding(sockets, `${duration + 120}s`) },
  thresholds: { ...nothingWrong, ...atLeast({ opened: sockets }) },
  summaryTrendStats: trends,
};

export default async function () {
  begin();
  const clients = await each(numbers(sockets), connect);
  await new Promise((resolve) => setTimeout(resolve, duration * 1000));
  // One that is dead without knowing it does not answer.
  await each(clients, (client) => client.ask('ping'));
  for (const client of clients) client.close();
}

export const handleSummary = summary('hold');
