// People who talk: messages that are stored, answered, and heard by the others. GROUPS of SIZE people, each says COUNT
// messages, one every PAUSE milliseconds. At the end everyone reads the list and must find what was acknowledged.

import { setTimeout } from 'k6/timers';
import { Counter, Trend } from 'k6/metrics';
import { begin, clock, exact, metrics, nothingWrong } from './lib/metrics.js';
import { connect, each, holding, numbers } from './lib/crowd.js';
import { needs } from './lib/skip.js';
import { summary, trends } from './lib/summary.js';
import { amount, settings } from './lib/settings.js';

const groups = amount('GROUPS', 10);
const size = amount('SIZE', 5);
const people = groups * size;
const count = amount('COUNT', 5);
const pause = amount('PAUSE', 500);

const sent = new Counter('hallway_sent');
const stored = new Trend('hallway_stored', true);
const missing = new Counter('hallway_missing');

export const options = {
  scenarios: { talk: holding(people, `${(count * pause) / 1000 + 180}s`) },
  thresholds: {
    ...nothingWrong,
    ...exact({ opened: people, sent: people * count }),
    hallway_missing: ['count==0'],
  },
  summaryTrendStats: trends,
};

export const setup = () => needs('messages.send');

export default async function () {
  begin();
  missing.add(0);
  const acknowledged = {};
  const clients = await each(numbers(people), async (number) => {
    const client = await connect(number);
    // A sender has the reply in the place of the broadcast, so that its numbers have gaps: what was stored is read back instead.
    client.places.count = (what, times, tags) => what === 'lost' || metrics[what].add(times, tags);
    client.room = `group-lt-${settings.run}-${number % groups}`;
    client.number = number;
    await client.join(client.room);
    return client;
  });
  await Promise.all(clients.map((client) => talk(client, acknowledged)));
  await each(clients, (client) => readBack(client, acknowledged));
  for (const client of clients) client.close();
}

async function talk(client, acknowledged) {
  for (let message = 0; message < count; message++) {
    const began = clock();
    // A repeat with the same id would be harmless.
    const clientMessageId = `${settings.run}-${client.number}-${message}`;
    const reply = await client.ask('messages.send', { room: client.room, content: `message ${message}`, clientMessageId });
    stored.add(clock() - began);
    sent.add(1);
    (acknowledged[client.room] = acknowledged[client.room] || []).push(reply.id);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function readBack(client, acknowledged) {
  const found = new Set();
  let before;
  do {
    const page = await client.ask('messages.list', { room: client.room, limit: 100, ...(before ? { before } : {}) });
    for (const message of page.messages) found.add(message.id);
    before = page.nextCursor;
  } while (before);
  // Those of other VUs are theirs to look for.
  for (const id of acknowledged[client.room]) if (!found.has(id)) missing.add(1);
}

export const handleSummary = summary('chat');
