// People who come, change their status and go, while others watch them. PEOPLE, each watched by WATCHERS sockets, ROUNDS
// times.

import { clearTimeout, setTimeout } from 'k6/timers';
import { Counter, Trend } from 'k6/metrics';
import exec from 'k6/execution';
import { begin, clock, exact, nothingWrong } from './lib/metrics.js';
import { Client } from './lib/client.js';
import { needs } from './lib/skip.js';
import { summary, trends } from './lib/summary.js';
import { token } from './lib/token.js';
import { amount, patience, settings } from './lib/settings.js';

const people = amount('PEOPLE', 20);
const watchers = amount('WATCHERS', 3);
const rounds = amount('ROUNDS', 3);

const seen = new Trend('hallway_status_seen', true);
const unseen = new Counter('hallway_status_unseen');

export const options = {
  scenarios: { churn: { executor: 'per-vu-iterations', vus: people, iterations: 1, maxDuration: '300s' } },
  thresholds: { ...nothingWrong, ...exact({ opened: people * (watchers + rounds) }), hallway_status_unseen: ['count==0'] },
  summaryTrendStats: trends,
};

export const setup = () => needs('presence.update');

export default async function () {
  begin();
  unseen.add(0);
  const watched = `lt-${settings.run}-p${exec.vu.idInTest}`;
  const watching = await Promise.all(
    Array.from({ length: watchers }, async (_, number) => {
      const client = new Client({ token: token(`${watched}-w${number}`) });
      await client.open();
      await client.join(`presence-${watched}`);
      return client;
    }),
  );
  for (let round = 0; round < rounds; round++) {
    const person = new Client({ token: token(watched) });
    await person.open();
    // Chosen, so that no coming or going in between can be taken for it.
    const status = round % 2 ? 'IDLE' : 'DND';
    const all = Promise.all(watching.map((client) => saw(client, watched, status)));
    await person.ask('presence.update', { status });
    await all;
    person.close();
  }
  for (const client of watching) client.close();
}

// Resolves when a watcher has heard of a status, or has waited too long for it.
function saw(client, userId, status) {
  const began = clock();
  return new Promise((resolve) => {
    const give = setTimeout(() => {
      unseen.add(1);
      resolve();
    }, patience);
    client.onBroadcast = ({ destination, data }) => {
      if (destination !== 'presence-updated' || data.userId !== userId || data.status !== status) return;
      clearTimeout(give);
      seen.add(clock() - began);
      resolve();
    };
  });
}

export const handleSummary = summary('presence-churn');
