// Socket.IO clients (protocol 5 over Engine.IO 4, WebSocket transport) in rooms of the `native` dialect: SOCKETS over ROOMS
// rooms, COUNT broadcasts in each. NAMESPACE is that of the dialect.

import http from 'k6/http';
import exec from 'k6/execution';
import { WebSocket } from 'k6/experimental/websockets';
import { clearTimeout, setTimeout } from 'k6/timers';
import { begin, clock, exact, metrics, nothingWrong } from './lib/metrics.js';
import { each, holding, LAST_WORD, numbers, speak, waitForRoom } from './lib/crowd.js';
import { noteDelivery } from './lib/api.js';
import { codeOf } from './lib/client.js';
import { Places } from './lib/places.js';
import { summary, trends } from './lib/summary.js';
import { token } from './lib/token.js';
import { amount, anyUrl, patience, settings } from './lib/settings.js';

const sockets = amount('SOCKETS', 200);
const rooms = amount('ROOMS', 10);
const speech = { count: amount('COUNT', 20), rate: amount('RATE', 100), bytes: amount('BYTES', 100) };
const names = Array.from({ length: rooms }, (_, number) => `board-lt-${settings.run}-io-${number}`);
const seconds = amount('GATHER', 60) + (speech.count * rooms) / speech.rate + 30;
const namespace = __ENV.NAMESPACE || '/';
// `/` is left out of packets.
const at = namespace === '/' ? '' : `${namespace},`;

export const options = {
  scenarios: {
    listen: holding(sockets, `${seconds + 30}s`, 'listeners'),
    speak: { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: `${seconds + 30}s`, exec: 'speaker' },
  },
  thresholds: { ...nothingWrong, ...exact({ opened: sockets, delivered: sockets * (speech.count + 1) }) },
  summaryTrendStats: trends,
};

const address = (url) => url.replace(/\/ws$/, '/socket.io/?EIO=4');

export function setup() {
  const url = address(settings.urls[0]).replace(/^ws/, 'http');
  const { status } = http.get(`${url}&transport=polling`, { tags: { name: 'polling', url: 'polling' } });
  if (status === 404) exec.test.abort('skipped: the node has no /socket.io/');
}

class IoClient {
  constructor(number) {
    this.token = token(`lt-${settings.run}-io${number}`);
    this.places = new Places((what, times, tags) => metrics[what].add(times, tags));
    this.waiting = new Map();
    this.nextId = 1;
    this.onBroadcast = () => {};
    this.closeCode = 1006;
  }

  open() {
    const began = clock();
    this.socket = new WebSocket(`${address(anyUrl())}&transport=websocket`, [], { tags: { name: 'socket.io', url: 'socket.io' } });
    return new Promise((resolve, reject) => {
      const fail = (why) => {
        metrics.refused.add(1);
        this.close();
        reject(new Error(why));
      };
      const give = setTimeout(() => fail('not connected in time'), patience);
      this.connected = () => {
        clearTimeout(give);
        this.isOpen = true;
        metrics.opened.add(1);
        metrics.open.add(clock() - began);
        resolve();
      };
      this.notConnected = (why) => {
        clearTimeout(give);
        fail(why);
      };
      this.socket.onmessage = ({ data }) => this.hear(data);
      this.socket.onerror = ({ error }) => {
        this.closeCode = codeOf(error);
        if (!this.isOpen) this.notConnected(error);
      };
      this.socket.onclose = () => this.isLeaving || metrics.closed.add(1, { code: String(this.closeCode) });
    });
  }

  // Engine.IO's packet is the first digit, Socket.IO's the second.
  hear(packet) {
    if (packet[0] === '0') this.socket.send(`40${at}${JSON.stringify({ token: this.token })}`);
    else if (packet === '2') this.socket.send('3');
    else if (packet.startsWith('40')) this.connected();
    else if (packet.startsWith('44')) this.notConnected(packet);
    else if (packet.startsWith('42')) this.event(JSON.parse(packet.slice(packet.indexOf('['))));
    else if (packet.startsWith('43')) this.acknowledged(packet.slice(2 + at.length));
  }

  event([name, broadcast]) {
    if (name !== 'broadcast') return;
    this.places.heard(broadcast);
    this.onBroadcast(broadcast);
  }

  acknowledged(rest) {
    const bracket = rest.indexOf('[');
    const done = this.waiting.get(rest.slice(0, bracket));
    this.waiting.delete(rest.slice(0, bracket));
    if (done) done(JSON.parse(rest.slice(bracket))[0]);
  }

  ask(endpointName, endpointArgs) {
    const id = String(this.nextId++);
    return new Promise((resolve, reject) => {
      const give = setTimeout(() => reject(new Error(`${endpointName}: no acknowledgement`)), patience);
      this.waiting.set(id, (answer) => {
        clearTimeout(give);
        resolve(answer);
      });
      this.socket.send(`42${at}${id}${JSON.stringify(['endpoint', { endpointName, endpointArgs }])}`);
    });
  }

  async join(room) {
    const began = clock();
    const answer = await this.ask('rooms.join', { room });
    const reply = answer.data || answer;
    if (answer.error) {
      metrics.failed.add(1, { endpoint: 'rooms.join', code: answer.error.code });
      throw new Error(answer.error.message);
    }
    metrics.join.add(clock() - began);
    this.places.joined(room, reply, (broadcast) => this.event(['broadcast', broadcast]));
  }

  close() {
    this.isLeaving = true;
    this.hear = () => {};
    this.socket.close();
  }
}

export async function listeners() {
  begin();
  const over = [];
  await each(numbers(sockets), async (number) => {
    const client = new IoClient(number);
    await client.open();
    over.push(heardAll(client));
    await client.join(names[number % rooms]);
  });
  await Promise.all(over);
}

function heardAll(client) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(give);
      client.close();
      resolve();
    };
    const give = setTimeout(() => {
      metrics.lost.add(1);
      end();
    }, seconds * 1000);
    client.onBroadcast = (broadcast) => {
      noteDelivery(broadcast);
      if (broadcast.destination === LAST_WORD) end();
    };
  });
}

export function speaker() {
  for (let room = 0; room < rooms; room++) {
    waitForRoom(names[room], Math.floor(sockets / rooms) + (room < sockets % rooms ? 1 : 0), amount('GATHER', 60));
  }
  speak(names, speech);
}

export const handleSummary = summary('socketio');
