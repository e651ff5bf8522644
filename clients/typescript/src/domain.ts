// People, messages and lobbies: what is said about them, and the data of the gateway's own events.

import type { EventName } from './generated.js'

/** What a user is to others. `IDLE` and `DND` are chosen. */
export type UserStatus = 'ONLINE' | 'IDLE' | 'DND' | 'OFFLINE'

/** One user's presence. */
export interface UserPresence {
  userId: string
  status: UserStatus
  lastSeenAt?: number | null
  devices?: unknown[]
}

export type MessageType = 'TEXT' | 'IMAGE' | 'FILE' | 'SYSTEM'

/** A stored message. Its id is text that rises within the room; times are Unix milliseconds. */
export interface Message {
  id: string
  room: string
  fromUserId: string
  type: MessageType
  content: string
  replyToId: string | null
  clientMessageId: string | null
  createdAt: number
  editedAt: number | null
  deletedAt: number | null
  reactions: Reaction[]
}

export interface Reaction {
  reaction: string
  count: number
  users: string[]
}

/** How far someone has read. */
export interface ReadPosition {
  userId: string
  messageId: string
  readAt: number
}

export interface MessagePage {
  messages: Message[]
  nextCursor: string | null
}

export interface SendMessage {
  room: string
  content: string
  type?: MessageType
  replyToId?: string
  clientMessageId?: string
}

/** Which part of a room's messages: at most one of `after`, `before` (message ids or cursors) and `since` (Unix ms). */
export interface ListMessages {
  room: string
  after?: string
  before?: string
  since?: number
  limit?: number
}

/** A member of a room, where the gateway keeps the members. Times in Unix milliseconds. */
export interface Member {
  userId: string
  role: 'OWNER' | 'MODERATOR' | 'MEMBER' | null
  mutedUntil: number | null
  since: number
}

/** A room that users make. */
export interface Lobby {
  lobbyId: string
  ownerId: string
  name: string | null
  capacity: number
  members: LobbyMember[]
  createdAt: number
  updatedAt?: number
}

export interface LobbyMember {
  userId: string
  name?: string | null
}

/** A lobby as `pool` tells of it, without its members. */
export type LobbySummary = Omit<Lobby, 'members'> & { memberCount: number }

/** A lobby in a page: with its longest-standing members, and how many there are. */
export type ListedLobby = Lobby & { memberCount?: number }

/** The data of `lobby-updated` in the lobby's room. */
export interface LobbyUpdate {
  id: string
  diff: { joined?: LobbyMember[]; left?: string[]; ownerId?: string; memberCount: number }
  updatedAt: number
  baseUpdatedAt: number
}

/** How many connections the cluster holds, and on how many nodes. Some seconds old. */
export interface ConnectionCount {
  connections: number
  nodes: number
}

type Nothing = Record<string, never>
type OfMember = { room: string; userId: string }

/** What a client can ask for about them: arguments and answers. */
export interface DomainEndpoints {
  'presence.update': { args: { status: UserStatus }; data: { status: UserStatus } }
  'presence.get': { args: { userIds: string[] }; data: { users: UserPresence[] } }
  'typing.start': { args: { room: string }; data: Nothing }
  'typing.stop': { args: { room: string }; data: Nothing }
  'messages.send': { args: SendMessage; data: Message }
  'messages.list': { args: ListMessages; data: MessagePage }
  'messages.edit': { args: { room: string; messageId: string; content: string }; data: Message }
  'messages.delete': { args: { room: string; messageId: string }; data: Message }
  'messages.react': { args: { room: string; messageId: string; reaction: string; on?: boolean }; data: Message }
  'messages.read': { args: { room: string; messageId: string }; data: Nothing }
  'lobby.create': { args: { name?: string; capacity?: number }; data: Lobby }
  'lobby.join': { args: { lobbyId: string }; data: Lobby }
  'lobby.leave': { args: Nothing; data: Nothing }
  'lobby.get': { args: { lobbyId?: string }; data: Lobby }
  'lobby.list': { args: { cursor?: string; limit?: number }; data: { lobbies: ListedLobby[]; nextCursor: string | null } }
  'stats.get': { args: Nothing; data: ConnectionCount }
  'members.list': { args: { room: string; banned?: boolean; after?: string; limit?: number }; data: { members: Member[]; nextCursor: string | null } }
  'members.kick': { args: OfMember; data: unknown }
  'members.mute': { args: OfMember & { until?: number }; data: unknown }
  'members.unmute': { args: OfMember; data: unknown }
  'members.ban': { args: OfMember; data: unknown }
  'members.unban': { args: OfMember; data: unknown }
  'members.setRole': { args: OfMember & { role: string }; data: unknown }
}

/** A change of a record: one whose record is not at `baseUpdatedAt` fetches it anew instead of applying the diff. */
export interface Update<Id = string> {
  id: Id
  diff: Record<string, unknown>
  updatedAt: number
  baseUpdatedAt?: number
}

/** The data of the gateway's own events. Those of an application's are `unknown` unless it says what they are. */
export interface EventData {
  'new-message': Message
  'message-edited': Message
  'message-deleted': Message
  'message-reaction': Message
  'message-read': ReadPosition
  'chat-activity': { room: string; messageId: string; fromUserId: string }
  'presence-updated': UserPresence
  'typing-started': { userId: string }
  'typing-stopped': { userId: string }
  'user-joined': { userId: string; status?: UserStatus }
  'user-left': { userId: string }
  'members-updated': unknown
  'lobby-created': LobbySummary
  /** In the lobby's room what changed, in `pool` how it is now. */
  'lobby-updated': LobbyUpdate | LobbySummary
  'lobby-deleted': { lobbyId: string }
  'connection-count': ConnectionCount
  'auth-expiring': { expiresAt: number; closesAt: number }
  'room.left': { reason: string }
  'update-user': Update
  'update-organization': Update
  'update-board': Update
  'update-task': Update
  'update-sprint': Update
}

/** Every event by name, with what its `data` is. */
export type GatewayEvents = { [Name in EventName]: Name extends keyof EventData ? EventData[Name] : unknown }
