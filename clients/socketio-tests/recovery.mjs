// Connection state recovery: rooms and what was missed, at the same node, at another, and not where it cannot be proven.
import assert from "node:assert/strict";
import { ask, connected, cutOff, end, next, proxied, tell, when } from "./lib.mjs";

const alice = await connected({ url: proxied });
const bob = await connected({ node: 2, user: "bob" });
const heard = [];
alice.on("broadcast", ({ room, data }) => heard.push(`${room} ${data}`));
const hears = (data) => when(alice, "broadcast", (broadcast) => broadcast.data === data);
const say = async (socket, room, data) => {
    const { error } = await ask(socket, "rooms.broadcast", { room, destination: "d", data });
    assert.equal(error, undefined);
};

assert.equal(alice.recovered, false);
for (const room of ["board-5", "group-5"]) {
    for (const socket of [alice, bob]) await ask(socket, "rooms.join", { room });
}
let last = hears("g1");
await say(bob, "board-5", "b1");
await say(alice, "board-5", "alice's own");
await say(bob, "group-5", "g1");
await last;

// Cut off, and back at the same node. What it said itself is not told to it.
await cutOff(alice, async () => {
    await say(bob, "board-5", "b2");
    await say(bob, "group-5", "g2");
    await say(bob, "board-5", "b3");
    last = hears("b3");
});
assert.equal(alice.recovered, true);
await last;

// At another node; one room was joined and one left right before, with nothing heard since.
await ask(alice, "rooms.join", { room: "board-6" });
await ask(alice, "rooms.leave", { room: "group-5" });
await cutOff(alice, async () => {
    await tell("lead 1");
    await say(bob, "group-5", "not for alice any more");
    await ask(bob, "rooms.join", { room: "board-6" });
    await say(bob, "board-6", "c1");
    await say(bob, "board-5", "b4");
    last = hears("b4");
});
assert.equal(alice.recovered, true);
await last;
assert.equal((await ask(alice, "rooms.leave", { room: "group-5" })).error.code, "not-in-room");

// It goes on, and once more without anything missed.
last = hears("b5");
await say(bob, "board-5", "b5");
await last;
await cutOff(alice);
assert.equal(alice.recovered, true);
last = hears("b6");
await say(bob, "board-5", "b6");
await last;
// In order within each room, and every one of them once.
const of = (room) => heard.filter((one) => one.startsWith(room));
assert.deepEqual(of("board-5"), [1, 2, 3, 4, 5, 6].map((number) => `board-5 b${number}`));
assert.deepEqual(of("group-5"), ["group-5 g1", "group-5 g2"]);
assert.deepEqual(of("board-6"), ["board-6 c1"]);
assert.equal(heard.length, 9);

// Bytes that were missed are bytes.
const bytes = Uint8Array.from([0, 255]);
let missed;
await cutOff(alice, async () => {
    await say(bob, "board-5", { bytes });
    missed = next(alice, "broadcast");
});
assert.deepEqual(new Uint8Array((await missed)[0].data.bytes), bytes);

// What is not whole is not called recovered, and then it is in no room: an offset that is none, another user's, and
// a room without numbers.
async function anew() {
    assert.equal(alice.recovered, false);
    assert.equal((await ask(alice, "rooms.leave", { room: "board-5" })).error.code, "not-in-room");
    await ask(alice, "rooms.join", { room: "board-5" });
}
alice._lastOffset = "nonsense";
await cutOff(alice);
await anew();
alice._pid = alice._pid.replace("alice", "bob");
await cutOff(alice);
await anew();
const stale = alice._lastOffset.replace(/\d+$/, "999999");
assert.notEqual(stale, alice._lastOffset);
alice._lastOffset = stale;
await cutOff(alice);
await anew();
await ask(alice, "rooms.join", { room: "pool" });
await cutOff(alice);
await anew();
await cutOff(alice);
assert.equal(alice.recovered, true);

end();
