// Engine.IO itself, spoken by hand: what the protocol's document says of polling, CORS and errors.
import assert from "node:assert/strict";
import { tokens, urls } from "./lib.mjs";

const base = `${urls[0]}/socket.io/?EIO=4`;
const get = (query, options) => fetch(base + query, options);
const post = (sid, body) => get(`&transport=polling&sid=${sid}`, { method: "POST", body });
const poll = async (sid) => (await get(`&transport=polling&sid=${sid}`)).text();

async function open() {
    const answer = await get("&transport=polling");
    assert.equal(answer.status, 200);
    const text = await answer.text();
    assert.equal(text[0], "0");
    const handshake = JSON.parse(text.slice(1));
    assert.deepEqual(Object.keys(handshake), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
    return handshake.sid;
}

async function refused(answer, code) {
    const { status } = await answer;
    const body = await (await answer).json();
    assert.deepEqual([status, body.code], [400, code]);
}

// Handshakes that are none.
await refused(fetch(`${urls[0]}/socket.io/?transport=polling`), 5);
await refused(fetch(`${urls[0]}/socket.io/?EIO=3&transport=polling`), 5);
await refused(get(""), 0);
await refused(get("&transport=abc"), 0);
await refused(get("&transport=polling", { method: "POST", body: "4" }), 2);
await refused(get("&transport=polling&sid=zzz"), 1);

// Several packets in one payload, both ways.
const sid = await open();
assert.equal(await (await post(sid, `40${JSON.stringify({ token: tokens.alice })}\u{1e}2probe`)).text(), "ok");
let heard = "";
while (!heard.includes("3probe") || !heard.includes('42["hello"')) heard += "\u{1e}" + (await poll(sid));
const connect = heard.split("\u{1e}").find((packet) => packet.startsWith("40"));
assert.ok(JSON.parse(connect.slice(2)).sid);

// Two polls at once end the session.
const [one, two] = await Promise.all([get(`&transport=polling&sid=${sid}`), get(`&transport=polling&sid=${sid}`)]);
assert.deepEqual([one.status, two.status].sort(), [200, 400]);

// What is no payload does too.
const other = await open();
assert.equal((await post(other, "abc")).status, 400);
for (let status = 200; status === 200; ) {
    const answer = await get(`&transport=polling&sid=${other}`);
    status = answer.status;
    await answer.text();
}

// Pages of another origin, with credentials.
const origin = "http://app.example.com";
const before = await get("&transport=polling", {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
});
assert.equal(before.status, 204);
assert.equal(before.headers.get("access-control-allow-origin"), origin);
assert.equal(before.headers.get("access-control-allow-headers"), "content-type");
const allowed = await get("&transport=polling", { headers: { origin } });
assert.equal(allowed.headers.get("access-control-allow-origin"), origin);
assert.equal(allowed.headers.get("access-control-allow-credentials"), "true");
const stranger = await get("&transport=polling", { headers: { origin: "http://evil.example.com" } });
assert.equal(stranger.status, 403);
assert.equal(stranger.headers.get("access-control-allow-origin"), null);
