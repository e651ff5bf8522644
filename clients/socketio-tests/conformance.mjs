// What the documents of both protocols (Engine.IO 4, Socket.IO 5) ask of a server, spoken by hand over both transports. The
// node pings every second here, and waits one for the answer.
import assert from "node:assert/strict";
import WebSocket from "ws";
import { tokens, urls } from "./lib.mjs";

const base = `${urls[0]}/socket.io/?EIO=4`;
const get = (query, options) => fetch(base + query, options);
const polling = (sid) => `&transport=polling&sid=${sid}`;
const post = (sid, body) => get(polling(sid), { method: "POST", body });

async function begin() {
    const answer = await get("&transport=polling");
    assert.equal(answer.status, 200);
    return (await answer.text()).slice(1);
}
const session = async () => JSON.parse(await begin()).sid;

/** A WebSocket whose messages are taken one by one; what comes after its end is `null`. */
function open(query = "&transport=websocket") {
    const socket = new WebSocket(base.replace("http", "ws") + query);
    const come = [];
    let wake = () => {};
    const put = (one) => {
        come.push(one);
        wake();
    };
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => put(isBinary ? data : data.toString()));
    socket.on("close", () => put(null));
    return {
        send: (data) => socket.send(data),
        opened: new Promise((resolve) => socket.once("open", resolve)),
        close: () => socket.close(),
        /** The next message; pings are answered and passed over unless they are waited for. */
        async take({ pings = false } = {}) {
            for (;;) {
                while (come.length === 0) await new Promise((resolve) => (wake = resolve));
                const one = come.shift();
                if (one !== "2" || pings) return one;
                socket.send("3");
            }
        },
        async ended() {
            while ((await this.take({ pings: true })) !== null);
        },
    };
}
async function status(answer) {
    const { status } = await answer;
    return status;
}
/** Until a session is known to be over; what its polls bring meanwhile. */
async function over(sid) {
    const brought = [];
    for (;;) {
        const answer = await get(polling(sid));
        if (answer.status === 400) return brought;
        brought.push(await answer.text());
    }
}

const checks = {
    async "the handshake of both transports"() {
        const keys = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"];
        const polled = JSON.parse(await begin());
        const socket = open();
        const first = await socket.take();
        assert.equal(first[0], "0");
        const opened = JSON.parse(first.slice(1));
        for (const [handshake, upgrades] of [[polled, ["websocket"]], [opened, []]]) {
            assert.deepEqual(Object.keys(handshake), keys);
            assert.equal(typeof handshake.sid, "string");
            assert.deepEqual(handshake.upgrades, upgrades);
            assert.deepEqual([handshake.pingInterval, handshake.pingTimeout, handshake.maxPayload], [1000, 1000, 1_000_000]);
        }
        socket.close();
    },
    async "what is no handshake"() {
        for (const query of ["?transport=polling", "?EIO=abc&transport=polling", "?EIO=4", "?EIO=4&transport=abc"]) {
            assert.equal(await status(fetch(`${urls[0]}/socket.io/${query}`)), 400, query);
            const socket = new WebSocket(`${urls[0].replace("http", "ws")}/socket.io/${query.replace("polling", "websocket")}`);
            socket.on("error", () => {});
            await new Promise((resolve) => socket.once("close", resolve));
        }
        for (const method of ["POST", "PUT"]) {
            assert.equal(await status(get("&transport=polling", { method, body: "4" })), 400, method);
        }
    },
    async "several packets in one payload, text and binary"() {
        const sid = await session();
        const body = [`40${JSON.stringify({ token: tokens.alice })}`, `420["endpoint",{"endpointName":"ping"}]`].join("\x1e");
        assert.equal(await (await post(sid, body)).text(), "ok");
        let got = "";
        while (!got.includes("430[")) got += `\x1e${await (await get(polling(sid))).text()}`;
        assert.ok(got.split("\x1e").some((packet) => packet.startsWith('40{"sid"')));
        const join = `421["endpoint",{"endpointName":"rooms.join","endpointArgs":{"room":"board-1"}}]`;
        const said = `"room":"board-1","destination":"d","includeSelf":true,"data":{"_placeholder":true,"num":0}`;
        const event = `451-["endpoint",{"endpointName":"rooms.broadcast","endpointArgs":{${said}}}]`;
        assert.equal(await (await post(sid, `${join}\x1e${event}\x1ebAQIDBA==`)).text(), "ok");
        while (!got.includes("\x1ebAQIDBA==")) got += `\x1e${await (await get(polling(sid))).text()}`;
        assert.ok(got.split("\x1e").some((packet) => packet.startsWith('451-["broadcast"')));
    },
    async "a payload that is none ends the session"() {
        const sid = await session();
        assert.equal(await status(post(sid, "abc")), 400);
        await over(sid);
    },
    async "two polls at once end the session"() {
        const sid = await session();
        const answers = await Promise.all([get(polling(sid)), get(`${polling(sid)}&t=2`)]);
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
        assert.equal(await answers.find(({ status }) => status === 200).text(), "1");
        await over(sid);
    },
    async "a poll that is given up ends the session"() {
        const sid = await session();
        const [url, abort] = [base + polling(sid), new AbortController()];
        const { request } = await import("node:http");
        const poll = request(url, { signal: abort.signal });
        poll.on("error", () => {});
        const sent = new Promise((resolve) => poll.on("finish", resolve));
        poll.end();
        await sent;
        abort.abort();
        await over(sid);
    },
    async "a WebSocket's text that is none ends it"() {
        const socket = open();
        await socket.take();
        socket.send("abc");
        await socket.ended();
    },
    async "pings and their answers over HTTP"() {
        const sid = await session();
        for (let number = 0; number < 3; number++) {
            const answer = await get(polling(sid));
            assert.deepEqual([answer.status, await answer.text()], [200, "2"]);
            assert.equal(await status(post(sid, "3")), 200);
        }
        const brought = await over(sid);
        assert.deepEqual([...new Set(brought)].sort(), ["1", "2"], "and without an answer it ends");
    },
    async "pings and their answers over WebSocket"() {
        const socket = open();
        await socket.take();
        for (let number = 0; number < 3; number++) {
            assert.equal(await socket.take({ pings: true }), "2");
            socket.send("3");
        }
        await socket.ended();
    },
    async "a client that leaves"() {
        const sid = await session();
        const [poll, left] = await Promise.all([get(polling(sid)), post(sid, "1")]);
        assert.deepEqual([poll.status, await poll.text(), left.status], [200, "6", 200]);
        await over(sid);
        const socket = open();
        await socket.take();
        socket.send("1");
        await socket.ended();
    },
    async "the upgrade, and HTTP and a second WebSocket after it"() {
        const sid = await session();
        const socket = open(`&transport=websocket&sid=${sid}`);
        await socket.opened;
        socket.send("2probe");
        assert.equal(await socket.take(), "3probe");
        const noop = await get(polling(sid));
        assert.deepEqual([noop.status, await noop.text()], [200, "6"]);
        socket.send("5");
        socket.send(`40${JSON.stringify({ token: tokens.alice })}`);
        assert.ok((await socket.take()).startsWith("40{"));
        assert.equal(await status(get(polling(sid))), 400);
        assert.equal(await status(post(sid, "3")), 400);
        await open(`&transport=websocket&sid=${sid}`).ended();
        socket.send('420["endpoint",{"endpointName":"ping"}]');
        while (!(await socket.take()).startsWith("430["));
        socket.close();
    },
    async "namespaces: entered with a payload, refused, left"() {
        const auth = JSON.stringify({ token: tokens.alice });
        const socket = open();
        await socket.take();
        socket.send(`40${auth}`);
        assert.ok(JSON.parse((await socket.take()).slice(2)).sid);
        await socket.take();
        socket.send("40/random,");
        const packets = [];
        while (!packets.at(-1)?.startsWith("44")) packets.push(await socket.take());
        const refused = packets.at(-1);
        assert.ok(refused.startsWith("44/random,"));
        assert.equal(JSON.parse(refused.slice(10)).message, "Invalid namespace");
        socket.send(`40/native,${auth}`);
        assert.ok(JSON.parse((await socket.take()).slice(10)).sid);
        socket.send("41/native,");
        socket.send('4212["endpoint",{"endpointName":"ping"}]');
        for (;;) {
            const packet = await socket.take();
            if (packet.startsWith("42/native,")) continue;
            if (packet.startsWith("4312[{")) break;
            assert.ok(packet.startsWith("42["), packet);
        }
        socket.close();
    },
    async "without a namespace it ends in time"() {
        const socket = open();
        await socket.take();
        while ((await socket.take()) !== null);
    },
    async "what is no packet of Socket.IO ends the connection"() {
        for (const text of ["4abc", "49", "40abc", '42{"not":"a list"}', "452-[1]", '42["unfinished"']) {
            const socket = open();
            await socket.take();
            socket.send(`40${JSON.stringify({ token: tokens.alice })}`);
            await socket.take();
            socket.send(text);
            if (text.startsWith("452")) socket.send("42[1]");
            await socket.ended();
        }
    },
    async "bytes of an event and of an acknowledgement"() {
        const socket = open();
        await socket.take();
        socket.send(`40${JSON.stringify({ token: tokens.alice })}`);
        await socket.take();
        socket.send('421["endpoint",{"endpointName":"rooms.join","endpointArgs":{"room":"board-2"}}]');
        while (!(await socket.take()).startsWith("431["));
        const two = '"data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]';
        const said = `"room":"board-2","destination":"d","includeSelf":true,${two}`;
        socket.send(`452-456["endpoint",{"endpointName":"rooms.broadcast","endpointArgs":{${said}}}]`);
        socket.send(Buffer.from([1, 2, 3]));
        socket.send(Buffer.from([4, 5, 6]));
        const packets = [];
        const isThere = (start) => packets.some((packet) => typeof packet === "string" && packet.startsWith(start));
        while (packets.filter(Buffer.isBuffer).length < 2 || !isThere("43456[")) packets.push(await socket.take());
        assert.ok(isThere("452-["));
        assert.deepEqual(packets.filter(Buffer.isBuffer), [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])]);
        socket.close();
    },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
    try {
        await check();
    } catch (why) {
        failed++;
        console.error(`${name}: ${why.stack}`);
    }
}
process.stdin.destroy();
process.exit(failed ? 1 : 0);
