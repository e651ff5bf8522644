// Tokens as the operator's own login would make them: JWT, HS256 (RFC 7519).

import crypto from 'k6/crypto';
import encoding from 'k6/encoding';
import { settings } from './settings.js';

// A token for a user who may join rooms that these patterns cover; good for some hours.
export function token(user, rooms = ['board-*', 'group-*']) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => encoding.b64encode(JSON.stringify(value), 'rawurl');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, iat: now, exp: now + 6 * 3600, rooms })}`;
  return `${body}.${crypto.hmac('sha256', settings.secret, body, 'base64rawurl')}`;
}
