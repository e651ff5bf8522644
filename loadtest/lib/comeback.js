// One person over all connections, who comes back with a ticket: by itself on a cue, and after every close that the
// protocol says to come back from.

import { clearTimeout, setTimeout } from 'k6/timers';
import { Client } from './client.js';
import { LAST_WORD } from './crowd.js';
import { noteDelivery } from './api.js';
import { metrics } from './metrics.js';

// docs/protocol.md, "Codes": going away, no close frame, draining, over capacity, slow, no pong.
const COME_BACK = [1001, 1006, 1012, 1013, 4500, 4501];

class Person {
  constructor(room, { away, cue }, over) {
    Object.assign(this, { room, away, cue, over });
  }

  // Takes a connection that is open for the one that is listened on.
  listen(client) {
    this.client = client;
    client.onClose = (code) => !client.isLeaving && this.lost(client, code);
    this.act();
  }

  hear(broadcast) {
    noteDelivery(broadcast);
    this.mustLeave = this.mustLeave || (this.cue && broadcast.destination === this.cue);
    this.isOver = this.isOver || broadcast.destination === LAST_WORD;
    if (this.client) this.act();
  }

  // What was heard may have come with the hello, before there is a connection to close: then this waits for it.
  act() {
    const { client } = this;
    if (this.isOver) {
      client.close();
      this.over();
    } else if (this.mustLeave) {
      this.mustLeave = false;
      client.close();
      this.comeBack(client, Math.random() * this.away);
    }
  }

  // The server ended it. Where it said when to come back, that is when.
  lost(client, code) {
    if (!COME_BACK.includes(code)) {
      metrics.failed.add(1, { endpoint: 'close', code: String(code) });
      return;
    }
    client.close();
    const told = client.goodbye ? 0 : Math.random() * this.away;
    this.comeBack(client, told);
  }

  comeBack({ places }, wait, attempt = 0) {
    this.client = undefined;
    const hear = (broadcast) => this.hear(broadcast);
    setTimeout(async () => {
      try {
        const back = await Client.resume(this.ticket, places, { onBroadcast: hear });
        this.ticket = back.hello.resumeTicket;
        this.listen(back.client);
      } catch (why) {
        // Refused is counted; a real client goes on.
        if (attempt < 10) this.comeBack({ places }, Math.random() * this.away * 2 ** attempt, attempt + 1);
        else console.error(String(why));
      }
    }, wait);
  }
}

// Joins the room and listens until the last word, or until `seconds` are over, which loses it. `away`: the longest
// wait before coming back, in milliseconds; `cue`: the broadcast that sends everyone away.
export function untilLastWord(client, room, { seconds, away, cue }) {
  return new Promise((resolve) => {
    const give = setTimeout(() => {
      metrics.lost.add(1);
      console.error('the last word was not heard');
      resolve();
    }, seconds * 1000);
    const person = new Person(room, { away, cue }, () => {
      clearTimeout(give);
      resolve();
    });
    person.ticket = client.firstHello.resumeTicket;
    client.onBroadcast = (broadcast) => person.hear(broadcast);
    client.join(room).then(() => person.listen(client), (why) => console.error(String(why)));
  });
}
