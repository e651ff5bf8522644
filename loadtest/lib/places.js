// Where a client stands in its rooms, over all its connections: every number once, in order, or told.

// What the gateway itself says of the people in a room: numbered and judged like all else, but nobody published it.
const NEWS = new Set(['user-joined', 'user-left', 'members-updated', 'presence-updated']);

export class Places {
  // `count(what, how many, tags)` is called for everything that is heard and everything that is wrong.
  constructor(count) {
    this.count = count;
    this.rooms = {};
  }

  // What to say when coming back.
  of(room) {
    return this.rooms[room];
  }

  all() {
    return { ...this.rooms };
  }

  // The rooms that a connection is in by itself. What came in one of them while the client was away comes with `resumed`.
  greet(hello) {
    for (const [room, place] of Object.entries(hello.positions || {})) {
      if (!this.rooms[room]) this.rooms[room] = place;
    }
  }

  // What the answer to a join says; `take` is given each broadcast that was missed.
  joined(room, reply, take) {
    if (reply.error) {
      this.count('failed', 1, { endpoint: 'auth.resume', code: reply.error.code });
      return;
    }
    const before = this.rooms[room];
    if (before && !reply.recovered) {
      const hasMoved = !reply.state || reply.state.epoch !== before.epoch || reply.state.seq !== before.seq;
      if (hasMoved) this.count('told', 1, { how: 'not-recovered' });
    }
    if (before && reply.recovered) {
      for (const broadcast of reply.missed) take(broadcast);
      return;
    }
    const place = reply.state || reply.position;
    if (place) this.rooms[room] = { epoch: place.epoch, seq: place.seq };
    else delete this.rooms[room];
  }

  heard({ room, destination, seq, epoch, data }) {
    if (destination === 'room.resync') {
      this.count('told', 1, { how: 'resync' });
      this.rooms[room] = seq === undefined ? data.position : { epoch, seq };
      return;
    }
    if (!NEWS.has(destination)) this.count('delivered', 1);
    if (seq === undefined) return;
    const place = this.rooms[room];
    if (place && place.epoch === epoch) {
      if (seq <= place.seq) {
        this.count('doubled', 1);
        return;
      }
      if (seq > place.seq + 1) this.count('lost', seq - place.seq - 1);
    } else if (seq !== 1) {
      // A new life of the numbering that nobody told of begins with 1, or something is missing.
      this.count('lost', seq - 1);
    }
    this.rooms[room] = { epoch, seq };
  }
}
