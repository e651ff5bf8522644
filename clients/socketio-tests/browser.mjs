// The client in a real browser: a page of another origin, so that CORS counts, with credentials.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { proxied, tell, tokens, transports } from "./lib.mjs";

const dist = join(dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json")), "dist");
const client = await readFile(join(dist, "socket.io.js"));

async function inPage({ url, tokens, transports }) {
    const join = (user) => {
        const options = { auth: { token: tokens[user] }, withCredentials: true, forceNew: true };
        const socket = io(url, transports ? { ...options, transports } : options);
        return new Promise((resolve, reject) => {
            socket.once("connect", () => resolve(socket));
            socket.once("connect_error", reject);
        });
    };
    const ask = (socket, endpointName, endpointArgs) =>
        socket.emitWithAck("endpoint", { endpointName, endpointArgs });
    const [alice, bob] = await Promise.all([join("alice"), join("bob")]);
    for (const socket of [alice, bob]) await ask(socket, "rooms.join", { room: "board-9" });
    const heard = new Promise((resolve) => bob.once("broadcast", resolve));
    const data = { bytes: Uint8Array.from([1, 2, 3]).buffer, text: "héllo" };
    await ask(alice, "rooms.broadcast", { room: "board-9", destination: "d", data });
    const broadcast = await heard;

    // A refusal.
    const stranger = io(url, { auth: { token: "none" }, forceNew: true, ...(transports ? { transports } : {}) });
    const error = await new Promise((resolve) => stranger.once("connect_error", resolve));

    // The network goes away, something is said meanwhile, and it is back: with what was missed.
    const gone = Promise.all([alice, bob].map((socket) => new Promise((resolve) => socket.once("disconnect", resolve))));
    const back = Promise.all([alice, bob].map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await fetch("/cut");
    await gone;
    const missed = new Promise((resolve) => bob.once("broadcast", resolve));
    const said = ask(alice, "rooms.broadcast", { room: "board-9", destination: "d", data: "while away" });
    await fetch("/heal");
    await back;
    await said;
    return {
        recovered: [alice.recovered, bob.recovered],
        missed: (await missed).data,
        refusal: error.data.code,
        seq: broadcast.seq,
        text: broadcast.data.text,
        bytes: [...new Uint8Array(broadcast.data.bytes)],
        refused: (await ask(alice, "rooms.leave", { room: "board-10" })).error.code,
    };
}

const page = `<!doctype html><script src="/socket.io.js"></script><script>
    (${inPage})(${JSON.stringify({ url: proxied, tokens, transports })})
        .then((done) => ({ done }), (why) => ({ why: String(why) + JSON.stringify(why) }))
        .then((said) => fetch("/said", { method: "POST", body: JSON.stringify(said) }));
</script>`;

const folder = await mkdtemp(join(tmpdir(), "hallway-browser-"));
const said = new Promise((resolve) => {
    const server = createServer(async (request, response) => {
        if (request.url === "/said") {
            let body = "";
            for await (const piece of request) body += piece;
            resolve({ server, ...JSON.parse(body) });
        }
        if (request.url === "/cut") {
            await tell("refuse");
            await tell("cut");
        }
        if (request.url === "/heal") await tell("heal");
        const script = request.url === "/socket.io.js";
        response.setHeader("content-type", script ? "text/javascript" : "text/html; charset=utf-8");
        response.end(script ? client : page);
    });
    server.listen(0, "127.0.0.1", () => start(server.address().port));
});

let browser;

function start(port) {
    const name = process.env.CHROMIUM ?? "chromium";
    browser = execFile(name, [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        // A page of another site may not ask nodes on loopback unless this is off.
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
        `--user-data-dir=${folder}`,
        `--host-resolver-rules=MAP app.example.com 127.0.0.1:${port}`,
        "http://app.example.com/",
    ]);
}

const { server, done, why } = await said;
const gone = new Promise((resolve) => browser.once("exit", resolve));
browser.kill("SIGKILL");
await gone;
server.closeAllConnections();
server.close();
await rm(folder, { recursive: true, force: true, maxRetries: 5 });
assert.equal(why, undefined);
assert.deepEqual(done, {
    seq: 1,
    text: "héllo",
    bytes: [1, 2, 3],
    refused: "not-in-room",
    refusal: "unauthenticated",
    recovered: [true, true],
    missed: "while away",
});
process.stdin.destroy();
