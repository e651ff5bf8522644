// Users' status, wherever they are. Who is in a room: `people.ts`.

import type { UserPresence, UserStatus } from './domain.js'
import type { HallwayClient } from './client.js'
import { Cell, type Store } from './emitter.js'
import { roomName } from './names.js'
import { Timer } from './timer.js'

/** Between a failed question and the next. Milliseconds. */
const ASK_AGAIN = 2_000

/** A user who is watched. */
export interface Watch {
  /** Nothing until it is known. */
  readonly presence: Store<UserPresence | undefined>
  /** Stops watching. */
  stop(): void
}

export class Presence {
  readonly #client: HallwayClient

  constructor(client: HallwayClient) {
    this.#client = client
  }

  /** Chooses one's own status, over all connections. */
  async update(status: UserStatus): Promise<UserStatus> {
    return (await this.#client.request('presence.update', { status })).status
  }

  async get(userIds: string[]): Promise<UserPresence[]> {
    return (await this.#client.request('presence.get', { userIds })).users
  }

  /** Follows a user's status: asked for now and after every return, since its room numbers nothing, and heard of between. */
  watch(userId: string): Watch {
    const presence = new Cell<UserPresence | undefined>(undefined)
    const again = new Timer()
    const room = this.#client.join(roomName.presence(userId))
    /** Counted up with everything that is heard, so that an answer that is older does not count. */
    let version = 0
    let isAsking = false
    const ask = async () => {
      if (isAsking || this.#client.connection.value.state !== 'connected' || room.status.value.state === 'joining') return
      const asked = version
      isAsking = true
      try {
        const [found] = await this.get([userId])
        if (asked === version && found) presence.set(found)
      } catch {
        if (room.status.value.state !== 'left') again.set(ASK_AGAIN, () => void ask())
      } finally {
        isAsking = false
      }
    }
    room.on('presence-updated', (update) => {
      version += 1
      if (update.userId === userId) presence.set({ ...presence.value, ...update })
    })
    room.status.subscribe(() => void ask())
    room.onReturned(() => void ask())
    void ask()
    return {
      presence,
      stop() {
        room.leave()
        again.clear()
      },
    }
  }
}
