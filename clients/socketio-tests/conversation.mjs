// Document 002: message:send to a user or a conversation, heard by both; what is wrong is an `error`; after coming back one
// fetches what was said.
import assert from "node:assert/strict";
import { balanced, connected, end, next, tokens, when } from "./lib.mjs";

const options = { url: balanced, withCredentials: true };
const run = process.pid;
const alice = await connected(options);
const bob = await connected({ ...options, user: "bob" });

// "Scenario: user A sends Hello to user B." Neither has joined anything, and both hear it.
const content = `Hello ${run}`;
const heard = [alice, bob].map((socket) => when(socket, "message:new", (message) => message.content === content));
alice.emit("message:send", { content, to: "bob" });
const [own, other] = await Promise.all(heard);
assert.deepEqual(own, other);
assert.equal(own.senderId, "alice");
assert.ok(own.id && own.createdAt > 0);

// The answer goes to the conversation that the message came in; the other name of the event is heard too.
const answers = [alice, bob].map((socket) => when(socket, "new_message", ({ content }) => content === `Hi ${run}`));
bob.emit("message:send", { content: `Hi ${run}`, conversationId: other.conversationId });
assert.equal((await Promise.all(answers))[0].senderId, "bob");

// A conversation with an id.
const conversationId = `c${run}`;
assert.deepEqual(await bob.emitWithAck("conversation:join", { conversationId }), { ok: true });
assert.deepEqual(await alice.emitWithAck("conversation:join", { conversationId }), { ok: true });
const inRoom = when(bob, "message:new", (message) => message.conversationId === conversationId);
const sent = await alice.emitWithAck("message:send", { content: "to all", conversationId });
assert.equal((await inRoom).id, sent.message.id);

// Typing, as long as it lasts.
const writes = next(bob, "typing:start");
alice.emit("typing:start", { conversationId });
assert.deepEqual((await writes)[0], { conversationId, userId: "alice" });
const stops = next(bob, "typing:stop");
alice.emit("typing:stop", { conversationId });
await stops;

// Pitfall 4: what is not valid.
async function refused(data, expected) {
    const error = next(alice, "error");
    alice.emit("message:send", data);
    assert.equal((await error)[0].message, expected);
}
await refused({ content: "", conversationId }, "Invalid message");
await refused({ conversationId }, "Invalid message");
await refused({ content: "x".repeat(5001), conversationId }, "Invalid message");
await refused({ content: "Hello" }, "Missing conversation ID");
assert.equal((await alice.emitWithAck("message:send", { content: "Hello" })).message, "Missing conversation ID");

// Question 4: who may not be in a conversation is not let in.
const stranger = await alice.emitWithAck("conversation:join", { conversationId: "chat-bob-carol" });
assert.equal(stranger.code, "forbidden");

// Pitfall 2 and "simulate disconnections": away, and back; what was said meanwhile is fetched.
bob.disconnect();
await alice.emitWithAck("message:send", { content: "while you were away", conversationId });
const back = next(bob, "connect");
bob.connect();
await back;
const list = await bob.emitWithAck("message:list", { conversationId, after: sent.message.id });
assert.deepEqual(list.messages.map(({ content }) => content), ["while you were away"]);

// Pitfall 1: a handler that was taken off hears nothing.
const handler = () => assert.fail("off is off");
bob.on("message:new", handler);
bob.off("message:new", handler);
await alice.emitWithAck("message:send", { content: "again", to: "bob" });

// A token that is none is refused at once.
const nobody = connectRefused();
assert.equal((await nobody).data.code, "unauthenticated");
async function connectRefused() {
    const { connect } = await import("./lib.mjs");
    return (await next(connect({ ...options, user: `${tokens.alice}x`, reconnection: false }), "connect_error"))[0];
}
end();
