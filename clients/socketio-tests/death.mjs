// A native client and one of Socket.IO in one room, and the node of the latter dies in the middle.
import assert from "node:assert/strict";
import WebSocket from "ws";
import { ask, connected, end, next, proxied, tell, tokens, urls } from "./lib.mjs";

const ROOM = "board-7";
const ALL = 60;

const native = new WebSocket(urls[1].replace("http", "ws") + "/ws", ["hallway.v1.json", `hallway.token.${tokens.bob}`]);
const frames = [];
let wanted;
native.on("message", (text) => {
    frames.push(JSON.parse(text));
    wanted?.();
});
async function frame(holds) {
    for (;;) {
        const at = frames.findIndex(holds);
        if (at >= 0) return frames.splice(at, 1)[0];
        await new Promise((resolve) => (wanted = resolve));
    }
}
let id = 0;
async function request(endpoint, args) {
    const mine = ++id;
    native.send(JSON.stringify({ id: mine, endpoint, args }));
    const { reply } = await frame(({ reply }) => reply?.id === mine);
    assert.equal(reply.error, undefined);
    return reply.data;
}
await frame(({ hello }) => hello);
await request("rooms.join", { room: ROOM });

const alice = await connected({ url: proxied });
await ask(alice, "rooms.join", { room: ROOM });
const heard = [];
const seqs = [];
let whole;
const all = new Promise((resolve) => (whole = resolve));
alice.on("broadcast", ({ data, seq }) => {
    heard.push(data);
    seqs.push(seq);
    if (data === ALL) whole();
});

// Alice answers every tenth.
let answers = 0;
let answered = () => {};
async function acknowledged(count) {
    while (answers < count) await new Promise((resolve) => (answered = resolve));
}
alice.on("broadcast", async ({ data }) => {
    if (data % 10 !== 0) return;
    const { error } = await ask(alice, "rooms.broadcast", { room: ROOM, destination: "answer", data: `to ${data}` });
    assert.equal(error, undefined);
    answers++;
    answered();
});
const back = new Promise((resolve) => alice.on("connect", resolve));
for (let number = 1; number <= ALL; number++) {
    await request("rooms.broadcast", { room: ROOM, destination: "d", data: number });
    if (number % 10 === 0 && number <= 20) await frame(({ broadcast }) => broadcast?.data === `to ${number}`);
    if (number === 25) {
        await acknowledged(2);
        const gone = next(alice, "disconnect");
        await tell("kill");
        await gone;
    }
    if (number === 35) {
        await tell("heal");
        await back;
    }
}
assert.equal(alice.recovered, true, "every one of them is proven");
await all;
assert.deepEqual(heard, [...Array(ALL).keys()].map((at) => at + 1));
assert.deepEqual(seqs, [...seqs].sort((one, other) => one - other), "in order");
for (const number of [30, 40, 50, 60]) await frame(({ broadcast }) => broadcast?.data === `to ${number}`);
await acknowledged(ALL / 10);
native.close();
end();
