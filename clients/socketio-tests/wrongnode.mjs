// The load balancer forgets where a session is: the next request of it reaches another node, and the client begins anew.
import assert from "node:assert/strict";
import { ask, connected, end, next, proxied, tell } from "./lib.mjs";

const alice = await connected({ url: proxied, transports: ["polling"] });
const bob = await connected({ node: 1, user: "bob" });
for (const socket of [alice, bob]) await ask(socket, "rooms.join", { room: "board-8" });
const first = alice.id;
const why = next(alice, "disconnect");
const back = next(alice, "connect");
await tell("lead 1");
await tell("cut");
assert.equal((await why)[0], "transport error");
await back;
assert.notEqual(alice.id, first);
const hears = next(alice, "broadcast");
await ask(bob, "rooms.broadcast", { room: "board-8", destination: "d", data: 1 });
assert.equal((await hears)[0].data, 1);
end();
