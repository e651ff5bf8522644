// Document 003: the class of the document as it stands there, but for its address and the token, and events handed on.
import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { balanced, end, next, tokens, transports, when } from "./lib.mjs";

class DiscordSocketClient {
    socket = null;
    reconnectAttempts = 0;
    maxReconnectAttempts = 5;

    connect(token) {
        if (this.socket?.connected) return;
        this.socket = io(balanced, {
            auth: { token },
            reconnection: true,
            reconnectionAttempts: this.maxReconnectAttempts,
            reconnectionDelay: 1000,
            forceNew: true,
            withCredentials: true,
            ...(transports ? { transports } : {}),
        });
        this.socket.on("connect", () => {
            this.reconnectAttempts = 0;
        });
        this.socket.on("connect_error", () => {
            this.reconnectAttempts++;
        });
    }

    updateStatus(status) {
        this.socket.emit("presence:update", { status });
    }

    disconnect() {
        this.socket.disconnect();
        this.socket = null;
    }
}

const client = new DiscordSocketClient();
client.connect(tokens.alice);
const [{ userId, socketId }] = await next(client.socket, "connected");
assert.equal(userId, "alice");
assert.ok(socketId);

const pong = next(client.socket, "pong");
client.socket.emit("ping");
await pong;

// A second tab, on another node or the same, hears what the first one chooses; so does the first.
const tab = new DiscordSocketClient();
tab.connect(tokens.alice);
await next(tab.socket, "connected");
for (const status of ["IDLE", "DND", "ONLINE"]) {
    const hear = [client, tab].map(({ socket }) => when(socket, "presence:updated", (data) => data.status === status));
    // A node that is too slow at the moment says so, and it is the application's to choose again.
    const again = ({ code }) => code === "unavailable" && client.updateStatus(status);
    client.socket.on("error", again);
    client.updateStatus(status);
    for (const heard of await Promise.all(hear)) {
        assert.equal(heard.userId, "alice");
        assert.ok(heard.timestamp > 0);
    }
    client.socket.off("error", again);
}

// What is no status.
const error = next(client.socket, "error");
client.updateStatus("SLEEPING");
assert.equal((await error)[0].code, "bad-args");

const { users } = await tab.socket.emitWithAck("presence:get", { userIds: ["alice"] });
assert.deepEqual([users[0].status, users[0].devices.length >= 2], ["ONLINE", true]);

// "If invalid → disconnect immediately."
const stranger = new DiscordSocketClient();
stranger.connect("your_jwt_token");
const [refused] = await next(stranger.socket, "connect_error");
assert.equal(refused.data.code, "unauthenticated");
for (const one of [client, tab, stranger]) one.disconnect();
end();
