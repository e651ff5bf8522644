// What the Rust crate `hallway-protocol` declares, in TypeScript: names, numbers and fields that are on the wire.
// `scripts/check-declarations.mjs` compares this file with those declarations; it holds nothing else.

/** Why a socket was closed (RFC 6455 §7.4), and whether a client comes back by itself. */
export const closeCodes = {
  Normal: { code: 1000, reconnects: false },
  GoingAway: { code: 1001, reconnects: true },
  Protocol: { code: 1002, reconnects: false },
  InvalidPayload: { code: 1007, reconnects: false },
  TooBig: { code: 1009, reconnects: false },
  Draining: { code: 1012, reconnects: true },
  OverCapacity: { code: 1013, reconnects: true },
  BadFrame: { code: 4400, reconnects: false },
  Unauthenticated: { code: 4401, reconnects: false },
  Forbidden: { code: 4403, reconnects: false },
  AuthTimeout: { code: 4408, reconnects: false },
  Revoked: { code: 4410, reconnects: false },
  RateLimited: { code: 4429, reconnects: false },
  SlowConsumer: { code: 4500, reconnects: true },
  NoPong: { code: 4501, reconnects: true },
} as const

/** Whether a client comes back by itself: from the range, so that codes invented later behave well today. */
export function reconnects(code: number): boolean {
  return code === 1001 || code === 1006 || code === 1012 || code === 1013 || (code >= 4500 && code <= 4599)
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

/** Beginning of the destinations that only the gateway itself sends. */
export const reservedPrefix = 'room.'

/** Kinds of rooms that are always there; an operator may declare more. */
export const kinds = ['client', 'user', 'org', 'board', 'chat', 'group', 'lobby', 'pool', 'presence', 'public'] as const
export type Kind = (typeof kinds)[number]

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

/** A numbered broadcast's place in its room. Within an epoch `seq` begins at 1 and rises by exactly 1. */
export interface Position {
  epoch: string
  seq: number
}

/** Where a room stands. */
export interface State {
  lastBroadcastTimestamp: number
  seq: number
  epoch: string
}

/** One user of a room, as `rooms.info` shows them. */
export interface RoomUser {
  userId: string
  status: string
  sockets: number
}

/** The numbers of a broadcast. A room that keeps no state has no `seq` and no `epoch`. */
export interface Numbers {
  seq?: number
  epoch?: string
  ts: number
}

/** The answer to `auth.refresh`: when the authorization ends now, in Unix milliseconds, and a ticket that is good for as long. */
export interface Refreshed {
  expiresAt: number | null
  resumeTicket?: string
}

/** How a socket came into a room. */
export interface Entry {
  state: State | null
  position?: Position
  recovered: boolean
  missed: Broadcast[]
}

/** The server's first frame. Times in Unix milliseconds. */
export interface Hello {
  clientId: string
  userId?: string
  node: string
  rooms: string[]
  positions?: Record<string, Position>
  pingIntervalMs: number
  serverTime: number
  expiresAt?: number
  resumeTicket?: string
  resumed?: Record<string, Entry | { error: ErrorBody }>
}

/** Something that was published. `ts` in Unix milliseconds, by Redis's clock. */
export interface Broadcast {
  room: string
  destination: string
  data: unknown
  seq?: number
  epoch?: string
  ts?: number
}

/** The server takes leave; the close follows. */
export interface Goodbye {
  reason: string
  reconnectAfterMs: number
}

/** An error as clients see it. */
export interface ErrorBody {
  code: ErrorCode
  message: string
  field?: string
  retryAfterMs?: number
}

export interface InRoom {
  room: string
}
export interface AuthConnect {
  token: string
}
export interface AuthResume {
  ticket: string
  rooms?: Record<string, Position | null>
}
export interface Ping {
  ticket?: boolean
}
export interface AuthRefresh {
  token: string
}
export interface ClientUpdate {
  isActive?: boolean
  device?: string
}
export interface RoomsJoin {
  room: string
  resume?: Position
  includes?: Record<string, Position | null>
}
export interface RoomsBroadcast {
  room: string
  destination: string
  data: unknown
  includeSelf?: boolean
}
export interface RoomsHistory {
  room: string
  afterSeq?: number
  limit?: number
}

/** What a client can ask for: arguments and answers. */
export interface Endpoints {
  'ping': { args: Ping; data: { serverTime: number; resumeTicket?: string } }
  'auth.connect': { args: AuthConnect; data: never }
  'auth.resume': { args: AuthResume; data: never }
  'auth.refresh': { args: AuthRefresh; data: Refreshed }
  'client.update': { args: ClientUpdate; data: Record<string, never> }
  'rooms.join': { args: RoomsJoin; data: Entry & { room: string; includes?: Record<string, Entry> } }
  'rooms.leave': { args: InRoom; data: Record<string, never> }
  'rooms.state': { args: InRoom; data: State | null }
  'rooms.info': { args: InRoom; data: { room: string; users: RoomUser[]; userCount: number; socketCount: number } }
  'rooms.broadcast': { args: RoomsBroadcast; data: Numbers }
  'rooms.history': { args: RoomsHistory; data: { broadcasts: Broadcast[]; state: State | null } }
}
