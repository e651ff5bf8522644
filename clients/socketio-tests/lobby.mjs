// Document 000: a namespace for anyone and one for who is signed in (a session of the database); rooms that users make,
// told of by acknowledging events; counts of rooms, and of all who are there.
import assert from "node:assert/strict";
import { balanced, connect, connected, end, next, when } from "./lib.mjs";

const options = { url: balanced, withCredentials: true };
const run = process.pid;

// The number of connections, for anyone: asked for, and told when it changes.
const anyone = await connected({ ...options, namespace: "/public", user: null });
const count = await anyone.emitWithAck("get:connection-count");
assert.equal(typeof count, "number");
const [refused] = await next(connect({ ...options, namespace: "/lobby", user: null, reconnection: false }), "connect_error");
assert.equal(refused.data.code, "unauthenticated");

const more = when(anyone, "update:connection-count", (now) => now > count);
const alice = await connected({ ...options, namespace: "/lobby", user: "token-alice" });
const bob = await connected({ ...options, namespace: "/lobby", user: "token-bob" });
const pool = when(bob, "update:room-count", ({ roomID }) => roomID === "pool");
await more;
assert.equal(typeof (await pool).count, "number");

// A room is made: its maker has it by the acknowledging event alone; all others see its count.
const seen = when(bob, "update:room-count", ({ room }) => room?.name === `room ${run}`);
const made = next(alice, "ack:create-room");
alice.emit("action:create-room", { name: `room ${run}`, capacity: 2 });
const [{ roomID, roomData }] = await made;
assert.deepEqual([roomData.ownerId, roomData.capacity, roomData.members.length], ["alice", 2, 1]);
assert.deepEqual([(await seen).roomID, (await seen).count], [roomID, 1]);

// Not more than one at a time.
const again = next(alice, "ack:create-room");
alice.emit("action:create-room", { name: "another" });
assert.equal((await again)[0].error.code, "conflict");

// Another joins: both see two, and who was there is told of the change.
const two = when(alice, "update:room-count", (update) => update.roomID === roomID && update.count === 2);
const change = next(alice, "update:room");
const entered = next(bob, "ack:update-room");
bob.emit("action:update-room", { roomID });
assert.equal((await entered)[0].roomData.members.length, 2);
await two;
assert.equal((await change)[0].diff.joined[0].userId, "bob");

// The list, ten a page.
const { rooms } = await bob.emitWithAck("action:list-rooms", {});
assert.ok(rooms.length <= 10 && rooms.some(({ lobbyId }) => lobbyId === roomID));

// A forced refresh: the page finds its room again.
bob.disconnect();
const fresh = await connected({ ...options, namespace: "/lobby", user: "token-bob" });
const found = next(fresh, "ack:update-room");
fresh.emit("action:get-room", {});
assert.equal((await found)[0].roomID, roomID);
const rejoined = next(fresh, "ack:update-room");
fresh.emit("action:join-room", { roomID });
await rejoined;

// Leaving: the last one out ends it.
const out = next(fresh, "ack:delete-room");
fresh.emit("action:leave-room");
await out;
const over = when(fresh, "update:room-count", (update) => update.roomID === roomID && update.count === 0);
const deleted = next(alice, "ack:delete-room");
alice.emit("action:delete-room");
await deleted;
await over;
const missing = next(alice, "ack:update-room");
alice.emit("action:update-room", { roomID });
assert.equal((await missing)[0].error.code, "not-found");
end();
