// What a browser tells about the network and the page.

import type { Unsubscribe } from './emitter.js'

/** Hears when it is worth looking after the connection: the network is back, or the page is looked at again. */
export function onWake(listener: () => void): Unsubscribe {
  const page = globalThis as Partial<Pick<Window, 'addEventListener' | 'removeEventListener' | 'document'>>
  if (!page.addEventListener || !page.document) return () => undefined
  const { document } = page
  const onVisible = () => {
    if (document.visibilityState === 'visible') listener()
  }
  page.addEventListener('online', listener)
  document.addEventListener('visibilitychange', onVisible)
  return () => {
    page.removeEventListener?.('online', listener)
    document.removeEventListener('visibilitychange', onVisible)
  }
}
