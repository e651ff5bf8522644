// Printed by `hallway protocol types` from the declarations of the Rust crate `hallway-protocol`; `make docs` writes it anew.

/** Why a socket was closed (RFC 6455 §7.4), and whether a client comes back by itself. */
export const closeCodes = {
  /** Either side is done. */
  Normal: { code: 1000, reconnects: false },
  /** The node goes away. */
  GoingAway: { code: 1001, reconnects: true },
  /** The peer broke the WebSocket protocol (RFC 6455 §7.4.1). */
  Protocol: { code: 1002, reconnects: false },
  /** A text message that is not UTF-8 (RFC 6455 §8.1). */
  InvalidPayload: { code: 1007, reconnects: false },
  /** A message larger than allowed. */
  TooBig: { code: 1009, reconnects: false },
  /** The node is draining: come back, to any node. */
  Draining: { code: 1012, reconnects: true },
  /** Over capacity: come back later. */
  OverCapacity: { code: 1013, reconnects: true },
  /** A frame that cannot be read. */
  BadFrame: { code: 4400, reconnects: false },
  /** The token is missing, wrong or expired. */
  Unauthenticated: { code: 4401, reconnects: false },
  /** Not allowed here, or sent away by the operator's backend. */
  Forbidden: { code: 4403, reconnects: false },
  /** No first frame with a token in time. */
  AuthTimeout: { code: 4408, reconnects: false },
  /** The authorization was revoked. */
  Revoked: { code: 4410, reconnects: false },
  /** Too much in too short a time. */
  RateLimited: { code: 4429, reconnects: false },
  /** The socket does not take what is sent to it. */
  SlowConsumer: { code: 4500, reconnects: true },
  /** No answer to a ping. */
  NoPong: { code: 4501, reconnects: true },
} as const

/** Whether a client comes back by itself: from the range, so that codes invented later behave well today. */
export function reconnects(code: number): boolean {
  return code === 1001 || code === 1006 || (code >= 1012 && code <= 1013) || (code >= 4500 && code <= 4599)
}

/** Why a request was not done. */
export const errorCodes = [
  'bad-frame',
  'bad-args',
  'unknown-endpoint',
  'unauthenticated',
  'forbidden',
  'not-found',
  'not-in-room',
  'conflict',
  'too-large',
  'rate-limited',
  'unavailable',
  'internal',
] as const
export type ErrorCode = (typeof errorCodes)[number]

/** Events that Hallway's rooms carry. Those of an application pass through untouched, known or not. */
export const events = [
  'update-user',
  'create-organization',
  'update-organization',
  'delete-organization',
  'create-board',
  'update-board',
  'delete-board',
  'create-task',
  'update-task',
  'delete-task',
  'create-sprint',
  'update-sprint',
  'delete-sprint',
  'new-message',
  'message-edited',
  'message-deleted',
  'message-reaction',
  'message-read',
  'chat-activity',
  'presence-updated',
  'typing-started',
  'typing-stopped',
  'user-joined',
  'user-left',
  'members-updated',
  'lobby-created',
  'lobby-updated',
  'lobby-deleted',
  'connection-count',
  'auth-expiring',
  'room.left',
  'room.resync',
] as const
export type EventName = (typeof events)[number]

/** What a client can ask for; `wire.ts` says with which arguments. */
export const endpoints = [
  'ping',
  'auth.connect',
  'auth.resume',
  'auth.refresh',
  'client.update',
  'rooms.join',
  'rooms.leave',
  'rooms.state',
  'rooms.info',
  'rooms.broadcast',
  'rooms.history',
  'messages.send',
  'messages.list',
  'messages.edit',
  'messages.delete',
  'messages.react',
  'messages.read',
  'members.list',
  'members.kick',
  'members.mute',
  'members.unmute',
  'members.ban',
  'members.unban',
  'members.setRole',
  'typing.start',
  'typing.stop',
  'lobby.create',
  'lobby.join',
  'lobby.leave',
  'lobby.get',
  'lobby.list',
  'stats.get',
  'presence.update',
  'presence.get',
] as const
export type DeclaredEndpoint = (typeof endpoints)[number]

/** Kinds of rooms that are always there; an operator may declare more. */
export const kinds = [
  'board',
  'chat',
  'client',
  'group',
  'lobby',
  'org',
  'pool',
  'presence',
  'public',
  'user',
] as const
export type Kind = (typeof kinds)[number]

/** Beginning of the destinations that only the gateway itself sends. */
export const reservedPrefix = 'room.'

/** Bounds that are the same on every node. */
export const limits = {
  JSON_DEPTH: 64,
  DESTINATION_LEN: 200,
  REQUEST_ID: 9007199254740991,
  DEVICE_LEN: 200,
  BROADCAST_ROOMS: 100,
  IDEMPOTENCY_KEY_LEN: 200,
  HISTORY_PAGE: 1000,
} as const
