// Lobbies: rooms that users make.

import type { ListedLobby, Lobby } from './domain.js'
import type { HallwayClient } from './client.js'
import { HallwayError } from './errors.js'
import { roomName } from './names.js'
import type { Room } from './room.js'

export class Lobbies {
  readonly #client: HallwayClient

  constructor(client: HallwayClient) {
    this.#client = client
  }

  /** Makes one. Who owns one and is in it gets `conflict`, whose `body` carries it. */
  create(lobby: { name?: string; capacity?: number } = {}): Promise<Lobby> {
    return this.#client.request('lobby.create', lobby)
  }

  join(lobbyId: string): Promise<Lobby> {
    return this.#client.request('lobby.join', { lobbyId })
  }

  /** Leaves the one that the user is in. The owner's leaving hands it on; the last one's deletes it. */
  async leave(): Promise<void> {
    await this.#client.request('lobby.leave', {})
  }

  /** One by its id, or the one that the user is in, if any. */
  async get(lobbyId?: string): Promise<Lobby | null> {
    if (lobbyId !== undefined) return this.#client.request('lobby.get', { lobbyId })
    try {
      return await this.#client.request('lobby.get', {})
    } catch (error) {
      // To be in none is an answer, and no fault.
      if (error instanceof HallwayError && error.code === 'not-found') return null
      throw error
    }
  }

  /** The newest first. */
  list(page: { cursor?: string; limit?: number } = {}): Promise<{ lobbies: ListedLobby[]; nextCursor: string | null }> {
    return this.#client.request('lobby.list', page)
  }

  /** What is said and changed in a lobby. */
  room(lobbyId: string): Room {
    return this.#client.join(roomName.lobby(lobbyId))
  }

  /** News of all lobbies: `lobby-created`, `lobby-updated`, `lobby-deleted`. Not numbered: list anew after a return. */
  news(): Room {
    return this.#client.join(roomName.pool())
  }
}
