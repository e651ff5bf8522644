// Document 001: rooms of a board; one event in, one event out; the state of a room to compare with what one has.
import assert from "node:assert/strict";
import { balanced, connected, end, next } from "./lib.mjs";

const options = { url: balanced, withCredentials: true };
const room = `board-${process.pid}`;

// As the document declares them.
const incomingEndpointEventName = "endpoint";
const outgoingBroadcastEventName = "broadcast";
const endpoint = (socket, endpointName, endpointArgs) =>
    socket.emitWithAck(incomingEndpointEventName, { endpointName, endpointArgs });

const alice = await connected(options);
const bob = await connected({ ...options, user: "bob" });
assert.equal(await alice.emitWithAck("getRoomState", { roomName: room }), null, "nothing was ever said there");

await alice.emitWithAck("addToRoom", { roomName: room });
await endpoint(bob, "addToRoom", { roomName: room });
alice.emit("updateClient", { isActive: false });
assert.deepEqual(await endpoint(alice, "updateClient", { isActive: true }), { data: {} });

// What others say comes with a destination to route on, and the diff of an update.
const hears = next(alice, outgoingBroadcastEventName);
const said = { room, destination: "update-task", data: { id: "t1", diff: { done: true }, updatedAt: 1 } };
await endpoint(bob, "rooms.broadcast", said);
const [broadcast] = await hears;
assert.equal(broadcast.destination, "update-task");
assert.deepEqual(broadcast.data, said.data);

// After coming back: the time of the last broadcast, as everywhere.
const { lastBroadcastTimestamp } = await alice.emitWithAck("getRoomState", { roomName: room });
assert.equal(lastBroadcastTimestamp, broadcast.ts);

// What happens in a board's tasks is heard by whoever is on the board.
const tasks = next(alice, outgoingBroadcastEventName);
await endpoint(bob, "rooms.broadcast", { room: `${room}-tasks`, destination: "create-task", data: { id: "t2" } });
assert.equal((await tasks)[0].room, `${room}-tasks`);

assert.deepEqual(await alice.emitWithAck("removeFromRoom", { roomName: room }), { data: {} });
assert.equal((await endpoint(alice, "removeFromRoom", { roomName: room })).error.code, "not-in-room");
end();
