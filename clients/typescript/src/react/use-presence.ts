import { useEffect, useMemo, useState } from 'react'
import type { UserPresence } from '../domain.js'
import type { PeopleView } from '../people.js'
import { useClient } from './context.js'
import { useStore } from './stores.js'
import { useRoom } from './use-room.js'

const NOBODY: PeopleView = { users: [], userCount: 0, socketCount: 0, isFresh: false }

/** Who is in a room. */
export function usePresence(room: string | null | undefined): PeopleView
/** How users are, wherever they are. Those of whom nothing is known yet are left out. */
export function usePresence(of: { users: readonly string[] }): readonly UserPresence[]
export function usePresence(of: string | null | undefined | { users: readonly string[] }): PeopleView | readonly UserPresence[] {
  const users = typeof of === 'object' && of !== null ? of.users : undefined
  const { room } = useRoom(users ? null : (of as string | null | undefined))
  const people = useStore(room?.people.view, NOBODY)
  const watched = useWatched(users)
  return users ? watched : people
}

function useWatched(users: readonly string[] | undefined): readonly UserPresence[] {
  const client = useClient()
  const [known, setKnown] = useState<readonly UserPresence[]>([])
  // The list is often another one with the same users.
  const key = JSON.stringify(users ?? [])
  const ids = useMemo(() => JSON.parse(key) as string[], [key])
  useEffect(() => {
    const watches = ids.map((id) => client.presence.watch(id))
    const show = () => setKnown(watches.map(({ presence }) => presence.value).filter((value) => value !== undefined))
    const stops = watches.map(({ presence }) => presence.subscribe(show))
    show()
    return () => {
      for (const stop of stops) stop()
      for (const watch of watches) watch.stop()
    }
  }, [client, ids])
  return known
}
