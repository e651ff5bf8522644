// The WebSocket that is used: the platform's own, or one that is brought along.

/** As much of the standard's WebSocket as is used. Browsers, Node 22 and later, Deno, Bun and the package `ws` have it. */
export interface Socket {
  binaryType: string
  readonly protocol: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

/** Opens one. */
export type SocketConstructor = new (url: string, protocols: string[]) => Socket

/** The platform's own, or an error that says what to do where there is none. */
export function platformSocket(): SocketConstructor {
  const found = (globalThis as { WebSocket?: unknown }).WebSocket
  if (typeof found === 'function') return found as SocketConstructor
  throw new TypeError('no WebSocket here (Node before 22): pass one, such as that of the package `ws`, as `WebSocket`')
}
