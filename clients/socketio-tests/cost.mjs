// What a client of Socket.IO costs a node beside a native one: memory while it is idle, and processor time per delivery. Not a
// test: `node cost.mjs path/to/hallway [clients] [broadcasts]` prints a table. Linux only. Each kind has a node of its own, one
// room with all clients in it, and one publisher at the backend API; the processor time is the node's own, all threads.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import WebSocket from "ws";

const [binary, clients = 1000, broadcasts = 1000] = process.argv.slice(2);
const [COUNT, SAID] = [Number(clients), Number(broadcasts)];
const SECRET = "a-secret-for-measuring-of-32-bytes-or-more";
const ROOM = "board-1";
/** Of one broadcast's data. */
const BYTES = 200;

const kinds = {
    "native, JSON": { native: true },
    "Socket.IO, recovery off": { settings: { HALLWAY_SOCKETIO_RECOVERY: "false" } },
    "Socket.IO, recovery on": { settings: { HALLWAY_SOCKETIO_RECOVERY: "true" } },
};

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
function token(user) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: user, rooms: ["board-*"], iat: now, exp: now + 3600 };
    const text = `${base64({ alg: "HS256", typ: "JWT" })}.${base64(claims)}`;
    return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}
async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    return port;
}

/** Resident bytes, and processor seconds. */
function usage({ pid }) {
    const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { rss, seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}

/** A connection in the room; `heard` is called for every broadcast. */
function connect(port, { native }, number, heard) {
    const url = `ws://127.0.0.1:${port}${native ? "/ws" : "/socket.io/?EIO=4&transport=websocket"}`;
    const auth = token(`user${number}`);
    const socket = native
        ? new WebSocket(url, ["hallway.v1.json"], { headers: { authorization: `Bearer ${auth}` } })
        : new WebSocket(url);
    return new Promise((resolve, reject) => {
        socket.on("error", reject);
        socket.on("message", (data) => {
            const text = data.toString();
            if (text.startsWith('{"hello"')) {
                socket.send(JSON.stringify({ id: 1, endpoint: "rooms.join", args: { room: ROOM } }));
            } else if (text.startsWith("0{")) {
                socket.send(`40${JSON.stringify({ token: auth })}`);
            } else if (text.startsWith("40")) {
                socket.send(`420["addToRoom",{"roomName":"${ROOM}"}]`);
            } else if (text === "2") {
                socket.send("3");
            } else if (text.startsWith('{"reply"') || text.startsWith("430")) {
                resolve(socket);
            } else if (text.startsWith('{"broadcast"') || text.startsWith('42["broadcast"')) {
                heard();
            }
        });
    });
}

async function measure(kind) {
    const [port, internal] = [await freePort(), await freePort()];
    const node = spawn(binary, ["serve"], {
        env: {
            PATH: process.env.PATH,
            HALLWAY_LISTEN: `127.0.0.1:${port}`,
            HALLWAY_INTERNAL_LISTEN: `127.0.0.1:${internal}`,
            HALLWAY_AUTH_JWT_SECRET: SECRET,
            HALLWAY_API_KEYS: "a-key-for-measuring-things",
            HALLWAY_STORE_PATH: ":memory:",
            HALLWAY_PRESENCE_ROOMS: "false",
            HALLWAY_LIMITS_SOCKETS_PER_ADDRESS: "0",
            ...kind.settings,
        },
        stdio: ["ignore", "ignore", "inherit"],
    });
    node.on("exit", (code) => code && process.exit(1));
    const api = (path, options) => fetch(`http://127.0.0.1:${internal}${path}`, options);
    while (!(await api("/readyz").catch(() => ({}))).ok);

    let heard = 0;
    let all = () => {};
    const count = () => {
        if (++heard === COUNT * SAID) all();
    };
    // The first connections bring what a node has once, whoever comes.
    const sockets = [];
    const some = async (from, to) => {
        for (let number = from; number < to; number += 50) {
            const batch = Array.from({ length: Math.min(50, to - number) }, (_, at) => number + at);
            sockets.push(...(await Promise.all(batch.map((one) => connect(port, kind, one, count)))));
        }
    };
    const early = Math.min(200, COUNT / 2);
    await some(0, early);
    const before = usage(node);
    await some(early, COUNT);
    const idle = usage(node);

    const done = new Promise((resolve) => (all = resolve));
    for (let number = 0; number < SAID; number++) {
        const body = JSON.stringify({ room: ROOM, destination: "update-task", data: { number, text: "x".repeat(BYTES) } });
        const headers = { authorization: "Bearer a-key-for-measuring-things", "content-type": "application/json" };
        const { status } = await api("/api/v1/broadcast", { method: "POST", headers, body });
        if (status !== 200) throw new Error(`the broadcast was answered with ${status}`);
    }
    await done;
    const after = usage(node);
    sockets.forEach((socket) => socket.terminate());
    node.removeAllListeners("exit");
    node.kill("SIGKILL");
    await once(node, "exit");
    return {
        idle: (idle.rss - before.rss) / (COUNT - early),
        delivery: ((after.seconds - idle.seconds) * 1e6) / (COUNT * SAID),
    };
}

let first;
for (const [name, kind] of Object.entries(kinds)) {
    const { idle, delivery } = await measure(kind);
    first ??= { idle, delivery };
    const times = (value, other) => `${(value / other).toFixed(2)}×`;
    console.log(
        `${name.padEnd(26)} idle ${(idle / 1024).toFixed(1)} KiB (${times(idle, first.idle)}), ` +
            `delivery ${delivery.toFixed(2)} µs (${times(delivery, first.delivery)})`,
    );
}
