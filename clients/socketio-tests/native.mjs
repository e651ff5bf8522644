// A native client answers what it hears.
import assert from "node:assert/strict";
import { ask, connected, end, next } from "./lib.mjs";

const alice = await connected();
await ask(alice, "rooms.join", { room: "board-3" });
const answer = next(alice, "broadcast");
const data = { text: "héllo", bytes: Uint8Array.from([1, 2, 3]), n: 1 };
await ask(alice, "rooms.broadcast", { room: "board-3", destination: "from-socket.io", data });
const [heard] = await answer;
assert.equal(heard.destination, "from-native");
assert.equal(heard.seq, 2);
assert.deepEqual({ ...heard.data, bytes: new Uint8Array(heard.data.bytes) }, data);
end();
