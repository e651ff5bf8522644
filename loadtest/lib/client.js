// A client of the native protocol: one connection, requests with replies, and what is heard, judged by its numbers.

import { WebSocket } from 'k6/experimental/websockets';
import { setTimeout, clearTimeout } from 'k6/timers';
import { anyUrl, patience, settings } from './settings.js';
import { clock, metrics } from './metrics.js';
import { decode, encode } from './msgpack.js';
import { Places } from './places.js';

const count = (what, times, tags) => metrics[what].add(times, tags);

const codecs = {
  json: { encode: JSON.stringify, decode: JSON.parse },
  msgpack: { encode, decode },
};

// k6's close event has no code; the error before it says "websocket: close 1012: draining", or that the connection broke.
export const codeOf = (error) => Number((/close (\d{4})/.exec(error) || [0, 1006])[1]);

export class Failure extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export class Client {
  // `token` is shown in the first frame. In the handshake, hello would come right behind it, and of some 6,000 messages there k6
  // loses one: it reads it from its socket, and gives it to nobody.
  constructor({ token, url = anyUrl(), codec = settings.codec, places = new Places(count) } = {}) {
    Object.assign(this, { token, url, places, codec: codecs[codec], codecName: codec });
    this.waiting = new Map();
    this.nextId = 1;
    this.onBroadcast = () => {};
    this.onClose = () => {};
    this.closeCode = 1006;
  }

  // Connects. Resolves to the hello; `first` is the first frame if it is not to show the token. `counts`: whether it is one of
  // those that a script says how many there must be.
  open(first = { endpoint: 'auth.connect', args: { token: this.token } }, { counts = true } = {}) {
    const began = clock();
    const protocols = [`hallway.v1.${this.codecName}`];
    // Named by hand: as a tag, each URL with a query would be a series of its own.
    const params = { tags: { name: 'ws', url: 'ws', codec: this.codecName } };
    this.socket = new WebSocket(this.url, protocols, params);
    this.socket.binaryType = 'arraybuffer';
    return new Promise((resolve, reject) => {
      const give = setTimeout(() => this.refuse(reject, `no hello in time (readyState ${this.socket.readyState})`), patience);
      this.hello = (hello) => {
        clearTimeout(give);
        if (counts) metrics.opened.add(1);
        (first.endpoint === 'auth.resume' ? metrics.resume : metrics.open).add(clock() - began);
        this.isOpen = true;
        this.places.greet(hello);
        resolve(hello);
      };
      this.notOpened = (why) => {
        clearTimeout(give);
        this.refuse(reject, why);
      };
      this.socket.onopen = () => this.say(first);
      this.socket.onmessage = ({ data }) => this.hear(this.codec.decode(data));
      this.socket.onerror = ({ error }) => {
        this.closeCode = codeOf(error);
        if (!this.isOpen) this.notOpened(error);
      };
      this.socket.onclose = () => this.ended(this.closeCode);
    });
  }

  refuse(reject, why) {
    if (this.isRefused) return;
    this.isRefused = true;
    metrics.refused.add(1);
    this.close();
    reject(new Failure('refused', why));
  }

  say(frame) {
    this.socket.send(this.codec.encode(frame));
  }

  // Sends a request; resolves to the reply's data. `quiet`: an error is an answer like any other, and not counted.
  ask(endpoint, args = {}, { quiet = false } = {}) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const give = setTimeout(() => this.answer(id, { error: { code: 'timeout', message: endpoint } }), patience);
      this.waiting.set(id, { endpoint, quiet, resolve, reject, give });
      this.say({ id, endpoint, args });
    });
  }

  answer(id, { data, error }) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    this.waiting.delete(id);
    clearTimeout(asked.give);
    if (!error) {
      asked.resolve(data);
      return;
    }
    if (!asked.quiet) metrics.failed.add(1, { endpoint: asked.endpoint, code: error.code });
    asked.reject(new Failure(error.code, `${asked.endpoint}: ${error.message}`));
  }

  // Joins a room, catching up if it was there before.
  async join(room) {
    const began = clock();
    const resume = this.places.of(room);
    const reply = await this.ask('rooms.join', resume ? { room, resume } : { room });
    metrics.join.add(clock() - began);
    this.places.joined(room, reply, (broadcast) => this.take(broadcast));
    return reply;
  }

  // Enters a room by asking for something else than the room, whose answer names it and says where it stood. What is said
  // there may be heard before the answer: it is judged behind it.
  async enter(endpoint, args) {
    const early = [];
    this.early = early;
    const reply = await this.ask(endpoint, args);
    this.early = null;
    this.places.joined(reply.room, reply, (broadcast) => this.take(broadcast));
    for (const broadcast of early) this.take(broadcast);
    return reply;
  }

  // Comes back with a ticket, to all rooms at once.
  static async resume(ticket, places, options = {}) {
    const client = new Client({ ...options, places });
    const rooms = places.all();
    // Before the hello: what was missed comes with it.
    if (options.onBroadcast) client.onBroadcast = options.onBroadcast;
    const hello = await client.open({ endpoint: 'auth.resume', args: { ticket, rooms } });
    for (const [room, reply] of Object.entries(hello.resumed || {})) {
      places.joined(room, reply, (broadcast) => client.take(broadcast));
    }
    return { client, hello };
  }

  hear(frame) {
    if (frame.broadcast) this.take(frame.broadcast);
    else if (frame.reply) this.answer(frame.reply.id, frame.reply);
    else if (frame.hello) this.hello(frame.hello);
    else if (frame.goodbye) this.goodbye = frame.goodbye;
  }

  take(broadcast) {
    if (this.early && !this.places.of(broadcast.room)) {
      this.early.push(broadcast);
      return;
    }
    this.places.heard(broadcast);
    this.onBroadcast(broadcast);
  }

  ended(code) {
    for (const id of [...this.waiting.keys()]) this.answer(id, { error: { code: 'closed', message: String(code) } });
    if (!this.isOpen) this.notOpened(`closed with ${code}`);
    // Who is told to leave, and when, is not cut off.
    else if (!this.isLeaving) metrics[this.goodbye ? 'moved' : 'closed'].add(1, { code: String(code) });
    this.onClose(code);
  }

  // Leaves. What still arrives is not heard: the next connection begins where this one stands now.
  close() {
    this.isLeaving = true;
    this.hear = () => {};
    this.socket.close();
  }
}
