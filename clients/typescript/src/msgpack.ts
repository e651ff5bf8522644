// MessagePack: the same maps with the same string keys, in fewer bytes.

import { decode, encode } from '@msgpack/msgpack'
import { type Codec, checked } from './codec.js'

/**
 * Binary frames. What JSON has no word for (dates, bytes, numbers that are not finite) would close the connection with
 * 4400, so arguments say what they would say in JSON.
 */
export const msgpack: Codec = {
  subprotocol: 'hallway.v1.msgpack',
  encode: (frame) => encode(JSON.parse(JSON.stringify(frame))),
  decode(data) {
    if (!(data instanceof ArrayBuffer)) throw new TypeError('a text frame where binary was agreed')
    return checked(decode(new Uint8Array(data)))
  },
}
