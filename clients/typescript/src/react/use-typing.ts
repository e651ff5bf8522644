import { useCallback, useEffect } from 'react'
import { useRoom } from './use-room.js'
import { useStore } from './stores.js'

const NOBODY: readonly string[] = []

/** Who else writes in a room. Call `start` at every keystroke; it ends by itself, at `stop`, and with the component. */
export function useTyping(name: string | null | undefined): { users: readonly string[]; start: () => void; stop: () => void } {
  const { room } = useRoom(name)
  const users = useStore(room?.typing.users, NOBODY)
  const start = useCallback(() => room?.typing.start(), [room])
  const stop = useCallback(() => room?.typing.stop(), [room])
  // The room stays a little longer than the component.
  useEffect(() => () => room?.typing.stop(), [room])
  return { users, start, stop }
}
