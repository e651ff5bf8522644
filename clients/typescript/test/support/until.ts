// Waiting for something to be so.

import type { Store } from '../../src/emitter.js'

/** Waits until the value of a store is as wanted. Fails after a time that no machine is too slow for. */
export function until<T>(store: Store<T>, isWanted: (value: T) => boolean, what = String(isWanted)): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop()
      reject(new Error(`never: ${what}; it is ${JSON.stringify(store.value)}`))
    }, 60_000)
    const look = () => {
      if (!isWanted(store.value)) return
      clearTimeout(timer)
      stop()
      resolve(store.value)
    }
    const stop = store.subscribe(look)
    look()
  })
}

/** Waits until something outside is so, which tells nobody. */
export async function eventually<T>(look: () => T | undefined | false | Promise<T | undefined | false>, what: string): Promise<T> {
  const end = Date.now() + 60_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
