// Reads Prometheus's text format, as far as the console needs it: names, labels, numbers.

/** By name: `[{labels, value}]`. */
export function parse(text) {
  const found = new Map()
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)/.exec(line)
    if (!match) continue
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
    const rows = found.get(match[1]) ?? []
    rows.push({ labels, value: Number(match[3]) })
    found.set(match[1], rows)
  }
  return found
}

/** The sum over all labels; 0 if there is none. */
export const sum = (metrics, name) => (metrics.get(name) ?? []).reduce((sum, { value }) => sum + value, 0)

/** A counter's growth per second between two readings. Nodes that began anew count from 0. */
export const rate = (before, now, seconds) => (seconds > 0 ? Math.max(0, now >= before ? now - before : now) / seconds : 0)

/** What a close code means. */
export const closes = {
  1000: 'normal', 1001: 'going away', 1002: 'protocol error', 1006: 'no close frame', 1007: 'not UTF-8', 1009: 'too big',
  1012: 'draining', 1013: 'over capacity', 4400: 'bad frame', 4401: 'unauthenticated', 4403: 'forbidden', 4408: 'no token in time',
  4410: 'revoked', 4429: 'rate limited', 4500: 'slow consumer', 4501: 'no pong',
}
