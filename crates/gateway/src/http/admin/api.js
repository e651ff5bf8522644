// The backend API, with the key that was typed in. The key stays in this module's memory.

/** How long a call may take, in milliseconds. */
const TIMEOUT = 10_000

let key = ''

export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? `status ${status}`)
    this.status = status
    this.code = error?.code
  }
}

export const setKey = (text) => (key = text)

const headers = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })

/** Calls, and answers the JSON. Fails with `Refused`, or as `fetch` does. */
export async function call(method, path, body) {
  const init = { method, headers: headers(), signal: AbortSignal.timeout(TIMEOUT), cache: 'no-store' }
  if (body !== undefined) init.body = JSON.stringify(body)
  const answer = await fetch(`/api/v1/${path}`, init)
  const json = await answer.json().catch(() => undefined)
  if (!answer.ok) throw new Refused(answer.status, json?.error)
  return json
}

export const get = (path) => call('GET', path)

/** The node's metrics, as text. They need no key. */
export async function metricsText() {
  const answer = await fetch('/metrics', { signal: AbortSignal.timeout(TIMEOUT), cache: 'no-store' })
  if (!answer.ok) throw new Refused(answer.status)
  return answer.text()
}

/** Follows a room: `take('open')` once nothing more is missed, then `take(event, data)` for each server-sent event, until the
 * signal says stop or the node ends it. */
export async function follow(room, signal, take) {
  const answer = await fetch(`/api/v1/rooms/${encodeURIComponent(room)}/tail`, { headers: headers(), signal, cache: 'no-store' })
  if (!answer.ok) throw new Refused(answer.status, (await answer.json().catch(() => ({}))).error)
  take('open')
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + value).split('\n\n')
    rest = events.pop()
    for (const text of events) {
      const line = (name) => text.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = line('data')
      if (data !== undefined) take(line('event') ?? 'message', JSON.parse(data))
    }
  }
}
