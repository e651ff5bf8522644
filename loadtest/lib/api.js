// The backend's side: publishing, and looking at a room.

import http from 'k6/http';
import { settings } from './settings.js';
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
