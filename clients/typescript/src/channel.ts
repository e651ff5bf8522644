// What is shared by all handles on one room: its status and its listeners.

import { Cell, Emitter } from './emitter.js'
import { HallwayError } from './errors.js'
import type { Broadcast, Position } from './wire.js'
import type { Cause, Happening } from './ledger.js'

/** How a room is. It stays `joined` while the connection is away: the client comes back to it. */
export type RoomStatus =
  /** Heard if something comes, without having been joined by name: one that is included in another, or one's own. */
  | { state: 'listening' }
  | { state: 'joining' }
  | { state: 'joined' }
  /** The server's word; it is not asked for again by itself. */
  | { state: 'refused'; error: HallwayError }
  /** Taken out, by the backend or because one may no longer be there; it is not asked for again by itself. */
  | { state: 'removed'; reason: string }
  /** The handle was left. */
  | { state: 'left' }

/** Something may be missing: fetch from the backend what changed since the server's time `since` (Unix milliseconds). */
export interface Resync {
  room: string
  cause: Cause
  at: Position | null
  since: number | null
}

/** What handles listen to. */
export interface ChannelEvents {
  broadcast: Broadcast
  resync: Resync
  returned: { missed: number }
}

export class Channel {
  readonly status = new Cell<RoomStatus>({ state: 'listening' })
  readonly emitter = new Emitter<ChannelEvents>()
  /** Handles, and those of them that want to be in the room. */
  handles = 0
  joins = 0

  constructor(readonly name: string) {}

  take(happening: Happening): void {
    switch (happening.type) {
      case 'broadcast':
        return this.emitter.emit('broadcast', happening.broadcast)
      case 'joined':
        return this.status.set({ state: 'joined' })
      case 'returned':
        return this.emitter.emit('returned', { missed: happening.missed })
      case 'resync':
        return this.emitter.emit('resync', happening)
      case 'refused':
        return this.status.set({ state: 'refused', error: HallwayError.fromServer(happening.error) })
      case 'removed':
        return this.status.set({ state: 'removed', reason: happening.reason })
      case 'double':
    }
  }
}
