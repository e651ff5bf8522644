// The rooms that are heard, and how far each was. No IO: what the server says goes in, happenings come out. The same
// rules as the Rust client's `session/rooms.rs`.

import type { Broadcast, Entry, ErrorBody, Position } from './wire.js'
import { OwnNumbers } from './own-numbers.js'

/** How it is known that something may be missing. */
export type Cause =
  /** The gateway said so (`room.resync`). */
  | 'told'
  /** On coming back, the gateway no longer had everything that was missed. */
  | 'not-recovered'

/**
 * What happened in rooms, in the order in which it counts. Of every room that was `joined`, the broadcasts between it and
 * every `resync` are all that there were, once and in order, over any number of connections.
 */
export type Happening =
  /** In a room for the first time; what follows comes after `at` (`null`: nothing was numbered yet). */
  | { type: 'joined'; room: string; at: Position | null }
  /** The room cannot be joined, or not any more. */
  | { type: 'refused'; room: string; error: ErrorBody }
  /** Taken out of the room, by the backend or because one may no longer be there. Nothing of it follows. */
  | { type: 'removed'; room: string; reason: string }
  | { type: 'broadcast'; broadcast: Broadcast }
  /** Heard before. Counted, and otherwise passed over. */
  | { type: 'double'; broadcast: Broadcast }
  /** In the room again, with everything: so many broadcasts were caught up with, and told before this. */
  | { type: 'returned'; room: string; missed: number }
  /** Something may be missing since the server's time `since`: fetch from the backend what changed. */
  | { type: 'resync'; room: string; cause: Cause; at: Position | null; since: number | null }

/** The answer to a join, and a resumed room's entry in the hello. */
export type Answer = Partial<Entry> & { includes?: Record<string, Answer> }

const RESYNC = 'room.resync'
const LEFT = 'room.left'

/** Why a room is heard. An included one comes and goes with its home; `own` are those that the node joins. */
type Why = { as: 'wanted' } | { as: 'own' } | { as: 'included'; home: string }

class Room {
  /** Whether it was joined: only then can anything be missed. */
  isEntered = false
  /** The last number heard. */
  heard: Position | null = null
  /** While nothing was numbered there: what to resume from. */
  empty: Position | null = null
  /** Whether it is known to number. */
  isNumbered = false
  /** The server's time up to which everything was heard. */
  since: number | null = null
  readonly own = new OwnNumbers()

  constructor(readonly why: Why) {}

  /** What to resume from. */
  place(): Position | null {
    const place = this.heard ?? this.empty
    return place && this.own.reach(place)
  }

  stand(heard: Position | null, empty: Position | null): void {
    this.heard = heard
    this.empty = heard ? null : empty
    this.isNumbered ||= this.place() !== null
    this.own.passed(heard ?? empty)
  }
}

/** The rooms that are heard and kept account of. */
export class Ledger {
  readonly #rooms = new Map<string, Room>()

  /** Wants a room. False if it is wanted already. */
  want(room: string): boolean {
    if (this.isWanted(room)) return false
    this.#rooms.set(room, new Room({ as: 'wanted' }))
    return true
  }

  /** Wants it no more. False if it was not wanted. */
  forget(room: string): boolean {
    if (!this.isWanted(room)) return false
    this.#rooms.delete(room)
    for (const [name, { why }] of this.#rooms) if (why.as === 'included' && why.home === room) this.#rooms.delete(name)
    return true
  }

  isWanted(room: string): boolean {
    return this.#rooms.get(room)?.why.as === 'wanted'
  }

  /** Whether it is heard from a known place on. */
  isEntered(room: string): boolean {
    return this.#rooms.get(room)?.isEntered ?? false
  }

  /** The room to ask for so that this one is heard: itself, or its home. None for one that the node joins. */
  askedAs(room: string): string | undefined {
    const why = this.#rooms.get(room)?.why
    if (why?.as === 'included') return why.home
    return why?.as === 'wanted' ? room : undefined
  }

  /**
   * Those to ask for so that everything is answered for, when some of it is. None that is heard already: what comes
   * before the answer would be in the answer again.
   */
  unsettled(settled: ReadonlySet<string>): Set<string> {
    const open = [...this.#rooms.keys()].filter((name) => !settled.has(name))
    return new Set(open.map((name) => this.askedAs(name)).filter((name) => name !== undefined && !settled.has(name)) as string[])
  }

  /** What to resume a room from. */
  place(room: string): Position | null {
    return this.#rooms.get(room)?.place() ?? null
  }

  /**
   * Every room that was joined, and what to resume it from, each with those that it includes. Those without a place are
   * among them, so that the answer says where they stand before anything is heard there.
   */
  places(): Map<string, Position | null>[] {
    const groups = new Map<string, Map<string, Position | null>>()
    for (const [name, room] of this.#rooms) {
      if (!room.isEntered) continue
      const home = room.why.as === 'included' ? room.why.home : name
      const group = groups.get(home) ?? new Map<string, Position | null>()
      groups.set(home, group.set(name, room.place()))
    }
    return [...groups.values()]
  }

  /** What to resume those from that are included in a room, of which that is known. The answer has all of them. */
  placesIncluded(home: string): Map<string, Position> {
    const places = new Map<string, Position>()
    for (const [name, room] of this.#rooms) {
      const place = room.why.as === 'included' && room.why.home === home ? room.place() : null
      if (place) places.set(name, place)
    }
    return places
  }

  /** Takes note of a broadcast of this client's own that it does not hear. */
  noteOwn(room: string, at: Position): void {
    const known = this.#rooms.get(room)
    if (!known) return
    const isOld = known.heard?.epoch === at.epoch && at.seq <= known.heard.seq
    if (isOld) return
    known.own.add(at)
    if (known.own.isLong && known.heard) known.stand(known.own.reach(known.heard), null)
  }

  /** Takes note of a broadcast; nothing happens at one of this client's own that history brought. */
  hear(broadcast: Broadcast): Happening | undefined {
    const at = positionOf(broadcast)
    const room = this.#rooms.get(broadcast.room)
    if (broadcast.destination === RESYNC) return this.#told(room, broadcast, at)
    if (broadcast.destination === LEFT) {
      this.forget(broadcast.room)
      return { type: 'removed', room: broadcast.room, reason: (broadcast.data as { reason?: string } | null)?.reason ?? '' }
    }
    if (!room || !at) return { type: 'broadcast', broadcast }
    if (room.heard?.epoch === at.epoch && at.seq <= room.heard.seq) return { type: 'double', broadcast }
    room.since = broadcast.ts ?? room.since
    const isOwn = room.own.has(at)
    // Numbers may be passed over: the publisher's own broadcasts are not heard by it unless it asks for them.
    room.stand(at, null)
    return isOwn ? undefined : { type: 'broadcast', broadcast }
  }

  /** Takes note of being in a room (again), and in those that are heard with it. */
  enter(name: string, answer: Answer): Happening[] {
    const room = this.#rooms.get(name)
    if (!room) return []
    const happenings = this.#enterOne(name, room, answer)
    for (const [included, entry] of Object.entries(answer.includes ?? {})) {
      const known = this.#rooms.get(included) ?? new Room({ as: 'included', home: name })
      this.#rooms.set(included, known)
      happenings.push(...this.#enterOne(included, known, entry))
    }
    return happenings
  }

  /** Takes note of where a connection stands in a room that the node joined it to, of which it was told nothing else. */
  standInOwn(name: string, at: Position): Happening[] {
    const room = this.#rooms.get(name) ?? new Room({ as: 'own' })
    this.#rooms.set(name, room)
    const state = at.seq > 0 ? { ...at, lastBroadcastTimestamp: room.since ?? 0 } : null
    return this.#enterOne(name, room, state ? { state } : { state, position: at })
  }

  /** Takes note that a room is heard, but not from where: of one that nobody asked for, and so nobody can be refused. */
  lose(name: string): Happening | undefined {
    const room = this.#rooms.get(name)
    if (!room || room.why.as === 'wanted') return undefined
    room.stand(null, null)
    return { type: 'resync', room: name, cause: 'not-recovered', at: null, since: room.since }
  }

  #told(room: Room | undefined, { room: name, data }: Broadcast, at: Position | null): Happening {
    const since = room?.since ?? null
    const said = data as { position?: Position; lastBroadcastTimestamp?: number | null } | null
    // As it stands, even if that is further back: the gateway goes on from there.
    room?.stand(at, said?.position ?? null)
    if (room) room.since = said?.lastBroadcastTimestamp ?? since
    return { type: 'resync', room: name, cause: 'told', at, since }
  }

  #enterOne(name: string, room: Room, answer: Answer): Happening[] {
    const { state = null, position = null, recovered = false, missed = [] } = answer
    const at = state && { epoch: state.epoch, seq: state.seq }
    const since = room.since
    if (state?.lastBroadcastTimestamp) room.since = state.lastBroadcastTimestamp
    if (!room.isEntered) {
      room.isEntered = true
      room.stand(at, position)
      return [{ type: 'joined', room: name, at }]
    }
    if (recovered) {
      // Before there is a state, the place to resume from may be another.
      if (!at) room.stand(null, position)
      const heard = missed.map((broadcast) => this.hear(broadcast)).filter((happening) => happening !== undefined)
      const news = heard.filter(({ type }) => type === 'broadcast').length
      return [...heard, { type: 'returned', room: name, missed: news }]
    }
    // The place is as of exactly this answer: if it is ours, nothing was missed, whatever history has. A room that does
    // not number has none, and does not promise anything either.
    const place = room.heard && room.own.reach(room.heard)
    const isSame = place?.epoch === at?.epoch && place?.seq === at?.seq && (at !== null || !room.isNumbered)
    room.stand(at, position)
    if (isSame) return [{ type: 'returned', room: name, missed: 0 }]
    return [{ type: 'resync', room: name, cause: 'not-recovered', at, since }]
  }
}

function positionOf({ epoch, seq }: Broadcast): Position | null {
  return epoch !== undefined && seq !== undefined ? { epoch, seq } : null
}
