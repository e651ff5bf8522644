// The names of rooms.

import type { Kind } from './generated.js'

/** A room of a built-in kind. An operator's own kinds have any other beginning. */
export type RoomName = 'pool' | `${Exclude<Kind, 'pool'>}-${string}`

/** Names of rooms from the ids in them. */
export const roomName = {
  client: (clientId: string) => `client-${clientId}` as const,
  user: (userId: string) => `user-${userId}` as const,
  org: (orgId: string) => `org-${orgId}` as const,
  board: (boardId: string) => `board-${boardId}` as const,
  /** Heard by who is in the board's room; cannot be joined. */
  boardTasks: (boardId: string) => `board-${boardId}-tasks` as const,
  /** Heard by who is in the board's room; cannot be joined. */
  boardSprints: (boardId: string) => `board-${boardId}-sprints` as const,
  /** The two users in either order: in the name they stand sorted, bytewise. Ids are ASCII. */
  chat: (userA: string, userB: string) => (userA < userB ? (`chat-${userA}-${userB}` as const) : (`chat-${userB}-${userA}` as const)),
  group: (groupId: string) => `group-${groupId}` as const,
  lobby: (lobbyId: string) => `lobby-${lobbyId}` as const,
  pool: () => 'pool' as const,
  presence: (userId: string) => `presence-${userId}` as const,
  public: (topic: string) => `public-${topic}` as const,
}
