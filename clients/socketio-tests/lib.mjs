// What every script needs: sockets of the published client, and waiting for events. A script ends with an error when
// what it waits for does not come; the test that runs it bounds the time.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const set = JSON.parse(process.env.HALLWAY_TEST);

export const urls = set.urls;
export const tokens = set.tokens;
export const transports = set.transports;
/** Node 0 by way of a proxy that does as it is told. */
export const proxied = set.proxied;
/** All nodes by way of a load balancer with sticky sessions. */
export const balanced = set.balanced;
/** What a script of one set-up needs beside. */
export const more = set.more;

const open = new Set();
/** What is waited for. Said now and then, so that a test that ends for want of time says what did not come. */
const awaited = new Set();
const SAY = 20_000;
setInterval(() => awaited.size && console.error("waits for", ...awaited), SAY).unref();

/** The same promise, known to be waited for. */
function expected(event, promise) {
    const entry = { event, at: new Error().stack.split("\n")[3]?.trim() };
    awaited.add(entry);
    return promise.finally(() => awaited.delete(entry));
}

/** A socket that is about to connect. Without `transports` the client's own default. */
export function connect({ node = 0, url = urls[node], namespace = "/", user = "alice", ...options } = {}) {
    const socket = io(url + namespace, {
        auth: user === null ? {} : { token: tokens[user] ?? user },
        forceNew: true,
        reconnectionDelay: 50,
        ...(transports ? { transports } : {}),
        ...options,
    });
    open.add(socket);
    return socket;
}

/** The arguments of the next event of this name. */
export function next(socket, event) {
    return expected(event, new Promise((resolve) => socket.once(event, (...args) => resolve(args))));
}

/** The first argument of the next event of this name for which this holds. */
export function when(socket, event, holds) {
    const comes = new Promise((resolve) => {
        socket.on(event, function look(first) {
            if (!holds(first)) return;
            socket.off(event, look);
            resolve(first);
        });
    });
    return expected(event, comes);
}

/** A socket that is connected. */
export async function connected(options) {
    const socket = connect(options);
    await new Promise((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("connect_error", reject);
    });
    return socket;
}

export function ask(socket, endpointName, endpointArgs) {
    return socket.emitWithAck("endpoint", { endpointName, endpointArgs });
}

/** Takes the connection of a socket away that came by way of the proxy, and waits until the client is back. */
export async function cutOff(socket, meanwhile = async () => {}) {
    const gone = next(socket, "disconnect");
    await tell("refuse");
    await tell("cut");
    await gone;
    await meanwhile();
    const back = next(socket, "connect");
    await tell("heal");
    await back;
}

let lines;

/** Has the test that runs this script do something, and waits until it is done. */
export async function tell(command) {
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    console.log(`> ${command}`);
    await lines.next();
}

export function end() {
    for (const socket of open) socket.disconnect();
    process.stdin.destroy();
}
