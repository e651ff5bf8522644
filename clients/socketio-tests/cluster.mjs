// Three nodes: one room, a node that goes away, a poll that reaches the wrong node.
import assert from "node:assert/strict";
import { ask, connected, end, next, urls } from "./lib.mjs";

const alice = await connected({ node: 0 });
const bob = await connected({ node: 1, user: "bob" });
for (const socket of [alice, bob]) await ask(socket, "rooms.join", { room: "board-2" });
const hears = next(bob, "broadcast");
await ask(alice, "rooms.broadcast", { room: "board-2", destination: "d", data: { n: 1.5 } });
const [{ data, seq, epoch }] = await hears;
assert.deepEqual(data, { n: 1.5 });

// A session that another node has is unknown here.
const open = await fetch(`${urls[0]}/socket.io/?EIO=4&transport=polling`);
const { sid, upgrades } = JSON.parse((await open.text()).slice(1));
assert.deepEqual(upgrades, ["websocket"]);
const wrong = await fetch(`${urls[1]}/socket.io/?EIO=4&transport=polling&sid=${sid}`);
assert.equal(wrong.status, 400);
assert.deepEqual(await wrong.json(), { code: 1, message: "Session ID unknown" });

// The connection is cut: the client comes back, and has what it missed.
const back = next(bob, "connect");
bob.io.engine.close();
await ask(alice, "rooms.broadcast", { room: "board-2", destination: "missed", data: 2 });
bob.connect();
await back;
const again = await ask(bob, "rooms.join", { room: "board-2", resume: { epoch, seq } });
assert.equal(again.data.recovered, true);
assert.deepEqual(again.data.missed.map(({ data }) => data), [2]);

end();
