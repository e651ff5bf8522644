// What every script needs: sockets of the published client, and waiting for events. A script ends with an error when
// what it waits for does not come; the test that runs it bounds the time.
import { io } from "socket.io-client";

const set = JSON.parse(process.env.HALLWAY_TEST);

export const urls = set.urls;
export const tokens = set.tokens;
export const transports = set.transports;

const open = new Set();

/** A socket that is about to connect. Without `transports` the client's own default. */
export function connect({ node = 0, namespace = "/", user = "alice", ...options } = {}) {
    const socket = io(urls[node] + namespace, {
        auth: user === null ? {} : { token: tokens[user] ?? user },
        forceNew: true,
        ...(transports ? { transports } : {}),
        ...options,
    });
    open.add(socket);
    return socket;
}

/** The arguments of the next event of this name. */
export function next(socket, event) {
    return new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
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

export function end() {
    for (const socket of open) socket.disconnect();
}
