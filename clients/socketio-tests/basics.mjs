// Connecting, being refused, acknowledgements, binary, rooms.
import assert from "node:assert/strict";
import { ask, connect, connected, end, next } from "./lib.mjs";

const alice = await connected();
const bob = await connected({ user: "bob" });
assert.ok(alice.id && alice.id !== bob.id);

// A refusal names its code.
for (const [options, code] of [
    [{ user: "no token" }, "unauthenticated"],
    [{ user: null }, "unauthenticated"],
    [{ namespace: "/nothing" }, "not-found"],
]) {
    const [error] = await next(connect({ ...options, reconnection: false }), "connect_error");
    assert.equal(error.data?.code, code, error.message);
}

// Acknowledgements: done, refused, and unknown.
assert.ok((await ask(alice, "ping")).data.serverTime > 0);
assert.equal((await ask(alice, "rooms.leave", { room: "board-1" })).error.code, "not-in-room");
assert.equal((await alice.emitWithAck("nothing", 1)).error.code, "unknown-endpoint");
assert.equal((await alice.emitWithAck("endpoint", 7)).error.code, "bad-args");

// A room, in order; one's own broadcast comes as the reply only.
for (const socket of [alice, bob]) {
    assert.equal((await socket.emitWithAck("addToRoom", { roomName: "board-1" })).data.room, "board-1");
}
const heard = [];
bob.on("broadcast", (broadcast) => heard.push(broadcast));
alice.on("broadcast", () => assert.fail("one's own"));
for (let number = 0; number < 20; number++) {
    void ask(alice, "rooms.broadcast", { room: "board-1", destination: "update-task", data: { number } });
}
const last = new Promise((resolve) => {
    bob.on("broadcast", ({ destination }) => destination === "last" && resolve());
});
const bytes = Uint8Array.from([0, 1, 254, 255]);
const published = await ask(alice, "rooms.broadcast", { room: "board-1", destination: "last", data: { bytes } });
await last;
assert.deepEqual(heard.slice(0, 20).map(({ data }) => data.number), [...Array(20).keys()]);
assert.deepEqual(heard.map(({ seq }) => seq), [...Array(21).keys()].map((at) => at + 1));
assert.equal(published.data.seq, 21);
assert.deepEqual(new Uint8Array(heard[20].data.bytes), bytes, "bytes stay bytes");

const state = await alice.emitWithAck("getRoomState", { roomName: "board-1" });
assert.equal(state.seq, 21);
assert.deepEqual((await alice.emitWithAck("removeFromRoom", { roomName: "board-1" })).data, {});

// A large broadcast, and one that is larger than one may send.
const text = "x".repeat(40_000);
const [large] = await Promise.all([
    next(bob, "broadcast"),
    alice.emitWithAck("addToRoom", { roomName: "board-1" }).then(() =>
        ask(alice, "rooms.broadcast", { room: "board-1", destination: "large", data: text }),
    ),
]);
assert.equal(large[0].data, text);

end();
