// Frames to bytes and back. JSON is here; MessagePack is in `msgpack.ts`, so that who does not use it does not load it.

import type { Broadcast, ErrorBody, Goodbye, Hello } from './wire.js'

/** What a client says. Without an id there is no reply. */
export interface ClientFrame {
  id?: number
  endpoint: string
  args: unknown
}

/** What the server says: exactly one of these. */
export interface ServerFrame {
  hello?: Hello
  reply?: { id: number; data?: unknown; error?: ErrorBody }
  broadcast?: Broadcast
  goodbye?: Goodbye
}

/** How frames are written. */
export interface Codec {
  /** The WebSocket subprotocol that stands for it. */
  readonly subprotocol: string
  /** Throws on what it has no word for. */
  encode(frame: ClientFrame): string | Uint8Array<ArrayBuffer>
  /** Throws on what is not a frame. */
  decode(data: unknown): ServerFrame
}

/** Text frames. */
export const json: Codec = {
  subprotocol: 'hallway.v1.json',
  encode: (frame) => JSON.stringify(frame),
  decode(data) {
    if (typeof data !== 'string') throw new TypeError('a binary frame where text was agreed')
    return checked(JSON.parse(data))
  },
}

/** What a codec read, if it is an object: whatever else is in it is a later server's. */
export function checked(frame: unknown): ServerFrame {
  if (typeof frame !== 'object' || frame === null) throw new TypeError('not a frame')
  return frame
}
