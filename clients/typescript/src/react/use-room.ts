// A room for as long as a component shows it.

import { useEffect, useRef, useState } from 'react'
import type { Resync, RoomStatus } from '../channel.js'
import type { HallwayClient } from '../client.js'
import type { Broadcast } from '../wire.js'
import type { EventMap, Room } from '../room.js'
import { useClient } from './context.js'
import { useStore } from './stores.js'

/**
 * How long a room is kept after the last component that shows it is gone. React takes components away and puts them back
 * (strict mode, a list that is sorted anew, a change of page), and the room should not be left for that. Milliseconds.
 */
const LINGER = 1_000

/** What a component does with what it hears. The functions of the last rendering count. */
export interface RoomHandlers<Own extends object = object> {
  /** By destination. */
  on?: { [Name in keyof EventMap<Own>]?: (data: EventMap<Own>[Name], broadcast: Broadcast) => void }
  /** Everything. */
  onBroadcast?: (broadcast: Broadcast) => void
  /** Something may be missing: fetch what changed since `since`. */
  onResync?: (resync: Resync) => void
  /** Back after a lost connection, and so many broadcasts were caught up with. */
  onReturned?: (returned: { missed: number }) => void
}

export interface UsedRoom<Own extends object = object> {
  /** Nothing before the first effect, and while there is no name. */
  room: Room<Own> | undefined
  status: RoomStatus
}

const JOINING: RoomStatus = { state: 'joining' }

/** Is in a room while the component is mounted. Without a name it is in none. */
export function useRoom<Own extends object = object>(name: string | null | undefined, handlers?: RoomHandlers<Own>): UsedRoom<Own> {
  return useHandle((client, name) => client.join<Own>(name), name, handlers)
}

/** Hears a room that is not joined by name: one that is included in another, or the user's own. */
export function useListen<Own extends object = object>(name: string | null | undefined, handlers?: RoomHandlers<Own>): UsedRoom<Own> {
  return useHandle((client, name) => client.listen<Own>(name), name, handlers)
}

function useHandle<Own extends object>(
  open: (client: HallwayClient, name: string) => Room<Own>,
  name: string | null | undefined,
  handlers: RoomHandlers<Own> = {},
): UsedRoom<Own> {
  const client = useClient()
  const [room, setRoom] = useState<Room<Own>>()
  const latest = useRef(handlers)
  const opened = useRef(open)
  useEffect(() => {
    latest.current = handlers
    opened.current = open
  })
  useEffect(() => {
    if (name === null || name === undefined) return
    const handle = opened.current(client, name)
    const stops = [
      handle.onAny((broadcast) => {
        latest.current.onBroadcast?.(broadcast)
        const on = latest.current.on as Record<string, ((data: unknown, broadcast: Broadcast) => void) | undefined> | undefined
        on?.[broadcast.destination]?.(broadcast.data, broadcast)
      }),
      handle.onResync((resync) => latest.current.onResync?.(resync)),
      handle.onReturned((returned) => latest.current.onReturned?.(returned)),
    ]
    setRoom(handle)
    return () => {
      for (const stop of stops) stop()
      setRoom(undefined)
      setTimeout(() => handle.leave(), LINGER)
    }
  }, [client, name])
  return { room, status: useStore(room?.status, JOINING) }
}
