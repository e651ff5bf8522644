// Stores as React reads them.

import { useSyncExternalStore } from 'react'
import type { Store } from '../emitter.js'

const never = () => () => undefined

/** The value of a store, or what stands for it while there is none. */
export function useStore<T>(store: Store<T> | undefined, otherwise: T): T {
  const read = () => (store ? store.value : otherwise)
  return useSyncExternalStore(store ? store.subscribe : never, read, read)
}
