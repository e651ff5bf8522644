// MessagePack for what the protocol can say: null, booleans, numbers, strings, arrays, maps with string keys
// (https://github.com/msgpack/msgpack/blob/master/spec.md). k6 has no TextEncoder, so UTF-8 is done here, too.

export function encode(value) {
  const bytes = [];
  write(bytes, value);
  // Its own buffer, since `send` sends all of the buffer that a view lies on.
  return new Uint8Array(bytes).buffer;
}

export function decode(buffer) {
  const reader = { view: new DataView(buffer), at: 0 };
  const value = read(reader);
  if (reader.at !== buffer.byteLength) throw new Error(`${buffer.byteLength - reader.at} bytes behind the value`);
  return value;
}

function write(bytes, value) {
  if (value === null || value === undefined) bytes.push(0xc0);
  else if (value === false) bytes.push(0xc2);
  else if (value === true) bytes.push(0xc3);
  else if (typeof value === 'number') writeNumber(bytes, value);
  else if (typeof value === 'string') {
    const text = utf8(value);
    head(bytes, text.length, 0xa0, 31, [0xd9, 0xda, 0xdb]);
    for (const byte of text) bytes.push(byte);
  } else if (Array.isArray(value)) {
    head(bytes, value.length, 0x90, 15, [null, 0xdc, 0xdd]);
    for (const item of value) write(bytes, item);
  } else {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    head(bytes, keys.length, 0x80, 15, [null, 0xde, 0xdf]);
    for (const key of keys) {
      write(bytes, key);
      write(bytes, value[key]);
    }
  }
}

function head(bytes, length, small, most, [one, two, four]) {
  if (length <= most) bytes.push(small | length);
  else if (one && length < 0x100) bytes.push(one, length);
  else if (length < 0x10000) bytes.push(two, length >> 8, length & 255);
  else bytes.push(four, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
}

function writeNumber(bytes, value) {
  if (Number.isInteger(value) && value >= 0 && value < 128) bytes.push(value);
  else if (Number.isInteger(value) && value >= -32 && value < 0) bytes.push(value & 255);
  else if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) {
    bytes.push(0xce, value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
  } else {
    const view = new DataView(new ArrayBuffer(8));
    if (Number.isSafeInteger(value)) {
      bytes.push(value < 0 ? 0xd3 : 0xcf);
      view.setInt32(0, Math.floor(value / 2 ** 32));
      view.setUint32(4, value >>> 0);
    } else {
      bytes.push(0xcb);
      view.setFloat64(0, value);
    }
    for (let at = 0; at < 8; at++) bytes.push(view.getUint8(at));
  }
}

function utf8(text) {
  const bytes = [];
  for (const letter of text) {
    const code = letter.codePointAt(0);
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

function read(reader) {
  const { view } = reader;
  const type = view.getUint8(reader.at++);
  if (type < 0x80) return type;
  if (type < 0x90) return readMap(reader, type & 15);
  if (type < 0xa0) return readArray(reader, type & 15);
  if (type < 0xc0) return readText(reader, type & 31);
  if (type >= 0xe0) return type - 256;
  switch (type) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xca: return take(reader, 4, () => view.getFloat32(reader.at));
    case 0xcb: return take(reader, 8, () => view.getFloat64(reader.at));
    case 0xcc: return unsigned(reader, 1);
    case 0xcd: return unsigned(reader, 2);
    case 0xce: return unsigned(reader, 4);
    case 0xcf: return unsigned(reader, 4) * 2 ** 32 + unsigned(reader, 4);
    case 0xd0: return take(reader, 1, () => view.getInt8(reader.at));
    case 0xd1: return take(reader, 2, () => view.getInt16(reader.at));
    case 0xd2: return take(reader, 4, () => view.getInt32(reader.at));
    case 0xd3: return take(reader, 4, () => view.getInt32(reader.at)) * 2 ** 32 + unsigned(reader, 4);
    case 0xd9: return readText(reader, unsigned(reader, 1));
    case 0xda: return readText(reader, unsigned(reader, 2));
    case 0xdb: return readText(reader, unsigned(reader, 4));
    case 0xdc: return readArray(reader, unsigned(reader, 2));
    case 0xdd: return readArray(reader, unsigned(reader, 4));
    case 0xde: return readMap(reader, unsigned(reader, 2));
    case 0xdf: return readMap(reader, unsigned(reader, 4));
    default: throw new Error(`not of the protocol: type 0x${type.toString(16)}`);
  }
}

function take(reader, size, get) {
  const value = get();
  reader.at += size;
  return value;
}

function unsigned(reader, size) {
  return take(reader, size, () => {
    if (size === 1) return reader.view.getUint8(reader.at);
    return size === 2 ? reader.view.getUint16(reader.at) : reader.view.getUint32(reader.at);
  });
}

function readArray(reader, length) {
  const items = [];
  for (let index = 0; index < length; index++) items.push(read(reader));
  return items;
}

function readMap(reader, length) {
  const map = {};
  for (let index = 0; index < length; index++) {
    const key = read(reader);
    map[key] = read(reader);
  }
  return map;
}

function readText(reader, length) {
  let raw = '';
  // By functions of the engine: a loop over letters costs k6 more than the rest of a frame.
  for (let end = reader.at + length; reader.at < end; ) {
    const piece = Math.min(8192, end - reader.at);
    raw += String.fromCharCode.apply(null, new Uint8Array(reader.view.buffer, reader.at, piece));
    reader.at += piece;
  }
  return /[\x80-\xff]/.test(raw) ? decodeURIComponent(escape(raw)) : raw;
}
