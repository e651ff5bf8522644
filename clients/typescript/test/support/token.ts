// Tokens as a backend makes them: JWT, HS256 (RFC 7519).

import { createHmac } from 'node:crypto'
import { SECRET } from './processes.js'

/** A token for a user, good for so many seconds, that opens the rooms that these patterns cover. */
export function token(user: string, rooms: string[] = ['board-*', 'group-*', 'org-*'], seconds = 3600): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, iat: now - 1, exp: now + seconds, rooms })}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}
