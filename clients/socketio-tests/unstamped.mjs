// Where recovery is off, an event has the arguments that the dialect gives it and no other.
import assert from "node:assert/strict";
import { ask, connected, end } from "./lib.mjs";

const alice = await connected();
const bob = await connected({ user: "bob" });
assert.equal(alice._pid, undefined);
const all = [];
const heard = new Promise((resolve) => {
    alice.onAny((...event) => {
        all.push(event);
        if (event[0] === "broadcast") resolve(event);
    });
});
for (const socket of [alice, bob]) await ask(socket, "rooms.join", { room: "board-1" });
await ask(bob, "rooms.broadcast", { room: "board-1", destination: "d", data: 1 });
assert.equal((await heard).length, 2);
assert.ok(all.every(([name]) => name !== "hallway:place"));
end();
