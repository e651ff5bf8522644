// People who make lobbies, meet in them and leave: LOBBIES of SIZE, each found by everyone in it, and gone in the end.

import { Counter, Trend } from 'k6/metrics';
import exec from 'k6/execution';
import { begin, clock, exact, nothingWrong } from './lib/metrics.js';
import { Client } from './lib/client.js';
import { needs } from './lib/skip.js';
import { summary, trends } from './lib/summary.js';
import { token } from './lib/token.js';
import { amount, settings } from './lib/settings.js';

const lobbies = amount('LOBBIES', 10);
const size = amount('SIZE', 4);

const met = new Trend('hallway_lobby_met', true);
// Answers that do not say what they must.
const wrong = new Counter('hallway_lobby_wrong');

export const options = {
  // A lobby in each VU.
  scenarios: { meet: { executor: 'per-vu-iterations', vus: lobbies, iterations: 1, maxDuration: '120s' } },
  thresholds: { ...nothingWrong, ...exact({ opened: lobbies * size }), hallway_lobby_wrong: ['count==0'] },
  summaryTrendStats: trends,
};

export const setup = () => needs('lobby.get');

export default async function () {
  begin();
  wrong.add(0);
  const must = (holds, what) => {
    if (holds) return;
    wrong.add(1);
    console.error(`not so: ${JSON.stringify(what)}`);
  };
  const people = await Promise.all(
    Array.from({ length: size }, async (_, number) => {
      const client = new Client({ token: token(`lt-${settings.run}-l${exec.vu.idInTest}-${number}`) });
      await client.open();
      return client;
    }),
  );
  const began = clock();
  const { lobbyId } = await people[0].enter('lobby.create', { name: `lt-${settings.run}`, capacity: size });
  for (const person of people.slice(1)) await person.enter('lobby.join', { lobbyId });
  met.add(clock() - began);
  for (const person of people) {
    // Without an id: the one that the user is in.
    const found = await person.ask('lobby.get');
    must(found && found.lobbyId === lobbyId && found.members.length === size, found);
  }
  for (const person of people) await person.ask('lobby.leave');
  try {
    await people[0].ask('lobby.get', { lobbyId }, { quiet: true });
    must(false, 'still there');
  } catch (why) {
    must(why.code === 'not-found', why.message);
  }
  for (const person of people) person.close();
}

export const handleSummary = summary('lobbies');
