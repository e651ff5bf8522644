// What frames are made of, and what endpoints take and answer. `scripts/check-declarations.mjs` compares the fields with the
// declarations of the Rust crate `hallway-protocol`; names and numbers alone stand in `generated.ts`.

import type { DomainEndpoints, Lobby } from './domain.js'
import type { ErrorCode } from './generated.js'

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
  attributes?: Record<string, unknown>
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
  /** With `conflict` of `lobby.create` and `lobby.join`: the one that the user is in. */
  lobby?: Lobby
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
export interface Endpoints extends DomainEndpoints {
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
