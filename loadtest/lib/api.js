// The backend's side: publishing, and looking at a room.

import { sleep } from 'k6';
import http from 'k6/http';
import { patience, settings } from './settings.js';
import { clock, metrics } from './metrics.js';

const params = (name) => ({
  headers: { Authorization: `Bearer ${settings.apiKey}`, 'Content-Type': 'application/json' },
  // Named by hand: otherwise each room is a series of its own.
  tags: { name, url: name },
});

// Publishes; returns the answer's results, or null where it was refused. `data.at` says when, for those who hear it.
export function publish(room, destination, data = {}) {
  const began = clock();
  const body = JSON.stringify({ room, destination, data: { ...data, at: began, by: settings.instance } });
  const answer = http.post(`${settings.api}/api/v1/broadcast`, body, params('broadcast'));
  if (answer.status !== 200) {
    metrics.failed.add(1, { endpoint: 'api/broadcast', code: String(answer.status) });
    return null;
  }
  metrics.publish.add(clock() - began);
  return answer.json('results');
}

// The same as a backend does it that must know: with a key, at one node after another until one says that it is done.
export function publishSurely(room, destination, data, key) {
  const body = JSON.stringify({ room, destination, data: { ...data, at: clock(), by: settings.instance }, idempotencyKey: key });
  const until = Date.now() + patience;
  for (let attempt = 0; Date.now() < until; attempt++) {
    const api = settings.apis[attempt % settings.apis.length];
    const began = clock();
    const answer = http.post(`${api}/api/v1/broadcast`, body, params('broadcast'));
    if (answer.status === 200) {
      metrics.publish.add(clock() - began);
      return true;
    }
    metrics.retried.add(1, { code: String(answer.status) });
    if (attempt % settings.apis.length === settings.apis.length - 1) sleep(0.1);
  }
  metrics.failed.add(1, { endpoint: 'api/broadcast', code: 'never' });
  return false;
}

// The nodes as `hallway nodes` lists them, by name; null where none can say.
export function nodes() {
  for (const api of settings.apis) {
    const answer = http.get(`${api}/api/v1/nodes`, params('nodes'));
    if (answer.status === 200) return Object.fromEntries(answer.json('nodes').map((node) => [node.node, node]));
  }
  return null;
}

// How many sockets are in a room, on all nodes.
export function socketCount(room) {
  const answer = http.get(`${settings.api}/api/v1/rooms/${room}`, params('room'));
  return answer.status === 200 ? answer.json('socketCount') || 0 : 0;
}

// Notes how long a broadcast of `publish` took, if it was made by this process.
export function noteDelivery({ data }) {
  if (data && data.at !== undefined && data.by === settings.instance) {
    metrics.delivery.add(clock() - data.at);
  }
}
