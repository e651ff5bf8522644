// Document 004: groups, as its snippets use them.
import assert from "node:assert/strict";
import { balanced, connected, end, next, when } from "./lib.mjs";

const options = { url: balanced, withCredentials: true };
const groupId = `g${process.pid}`;
const alice = await connected(options);
const bob = await connected({ ...options, user: "bob" });

const joined = next(alice, "joined_group_success");
alice.emit("join_group", groupId);
assert.deepEqual((await joined)[0], { groupId, memberCount: 1, onlineMembers: ["alice"] });

// Another comes: the others are told, and who is there now.
const sees = when(alice, "user_joined_group", ({ userName }) => userName === "bob");
const members = when(alice, "room_members_update", ({ onlineMembers }) => onlineMembers.includes("bob"));
const second = next(bob, "joined_group_success");
bob.emit("join_group", groupId);
assert.equal((await second)[0].memberCount, 2);
assert.equal((await sees).groupId, groupId);
assert.deepEqual((await members).onlineMembers, ["alice", "bob"]);

// A second tab makes no noise; what is said reaches everyone, the one who said it too.
const tab = await connected({ ...options, user: "bob" });
tab.on("error", (error) => assert.fail(JSON.stringify(error)));
const third = next(tab, "joined_group_success");
tab.emit("join_group", groupId);
assert.equal((await third)[0].memberCount, 2);
alice.on("user_joined_group", () => assert.fail("it is there already"));

const typing = next(bob, "user_typing");
alice.emit("typing_start", { groupId });
assert.deepEqual((await typing)[0], { groupId, userId: "alice", userName: "alice" });
const stopped = next(bob, "user_stopped_typing");
const message = { groupId, content: "Hello everyone!", type: "TEXT" };
const all = [alice, bob, tab].map((socket) => next(socket, "message_received"));
alice.emit("send_message", message);
const heard = (await Promise.all(all)).map(([message]) => message);
assert.deepEqual(heard[1], heard[0]);
assert.deepEqual(heard[2], heard[0]);
assert.deepEqual([heard[0].content, heard[0].senderId], ["Hello everyone!", "alice"]);
assert.equal((await stopped)[0].userId, "alice", "a message ends it");

const answer = next(alice, "message_received");
bob.emit("send_message", { ...message, content: "Hi", replyToId: heard[0].id });
assert.equal((await answer)[0].replyToId, heard[0].id);

const info = next(bob, "room_info");
bob.emit("get_room_info", { groupId });
assert.deepEqual((await info)[0], { groupId, memberCount: 2, onlineMembers: ["alice", "bob"], socketCount: 3 });

// One of two tabs goes, then the other; only then is bob gone.
const gone = next(alice, "user_left_group");
const rest = when(alice, "room_members_update", ({ onlineMembers }) => !onlineMembers.includes("bob"));
const left = next(tab, "left_group_success");
tab.emit("leave_group", groupId);
await left;
bob.disconnect();
assert.equal((await gone)[0].userName, "bob");
assert.deepEqual((await rest).onlineMembers, ["alice"]);

// Errors: no such argument, a group that one may not be in, and saying something where one is not.
async function refused(event, data, code) {
    const error = next(alice, "error");
    alice.emit(event, data);
    assert.equal((await error)[0].code, code, event);
}
await refused("join_group", undefined, "bad-args");
await refused("join_group", { not: "an id" }, "bad-args");
await refused("send_message", { groupId, content: "" }, "bad-args");
await refused("typing_start", { groupId: "another" }, "not-in-room");
const stranger = await connected({ ...options, user: "carol" });
const denied = next(stranger, "error");
stranger.emit("join_group", `members-only-${groupId}`);
assert.ok(["forbidden"].includes((await denied)[0].code));
end();
