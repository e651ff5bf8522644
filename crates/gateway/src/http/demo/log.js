// What the client notices, in words: the connection's fate, what was caught up with, where something may be missing.

import { $, clock, make, several } from './page.js'

const ROWS = 150
const PING_EVERY_MS = 5_000
const STATES = { idle: 'not connected', connecting: 'connecting', connected: 'connected', waiting: 'reconnecting', closed: 'offline' }
/** How long a banner about something good stays. */
const BANNER_MS = 6_000

export function showLog(client) {
  let bannerTimer
  let frame
  let wasConnected = false

  function row(text, kind = '', seq = '') {
    $('log').prepend(make('li', { className: kind }, make('time', {}, clock(Date.now())), make('span', { className: 'seq' }, seq), make('span', {}, text)))
    while ($('log').children.length > ROWS) $('log').lastElementChild.remove()
  }

  function banner(text, kind, stays = false) {
    clearTimeout(bannerTimer)
    $('banner').textContent = text
    $('banner').dataset.kind = kind
    $('banner').hidden = false
    if (!stays) bannerTimer = setTimeout(() => ($('banner').hidden = true), BANNER_MS)
  }

  /** Something that a person should see. */
  function tell(text, kind = '') {
    row(text, kind)
    banner(text, kind)
  }

  function connectionChanged() {
    const status = client.connection.value
    $('state').dataset.state = status.state
    $('state').textContent = STATES[status.state]
    $('state').title = status.node ? `on ${status.node}` : ''
    if (status.state === 'connected') {
      const how = status.resumed ? 'Back' : wasConnected ? 'Back, with a token' : 'Connected'
      row(`${how}, on ${status.node}.`, 'good')
      if (wasConnected) banner(`${how}, on ${status.node}.`, 'good')
      wasConnected = true
      void ping()
    }
    if (status.state === 'waiting') {
      const wait = Math.max(0, status.retryAt - Date.now()) / 1000
      const text = `The connection is gone (${status.code}${status.reason ? `, ${status.reason}` : ''}); trying again in ${wait.toFixed(1)} s.`
      row(text, 'bad')
      banner(text, 'bad', true)
    }
    if (status.state === 'closed') banner(status.code === 1000 ? 'Offline, as you wished.' : `Sent away (${status.code}): ${status.reason}`, 'bad', true)
    facts()
  }

  function happened(happening) {
    factsSoon()
    switch (happening.type) {
      case 'broadcast': {
        const { room, destination, seq, data } = happening.broadcast
        return row(`${room}: ${destination}${data?.by ? ` by ${data.by}` : ''}`, '', seq === undefined ? '' : `#${seq}`)
      }
      case 'joined':
        return row(`Entered ${happening.room}${happening.at ? ` at #${happening.at.seq}` : ''}.`)
      case 'returned':
        if (happening.missed > 0) tell(`${happening.room}: caught up with ${several(happening.missed, 'broadcast')}, nothing is lost.`, 'good')
        else row(`${happening.room}: back, nothing was missed.`)
        return
      case 'resync':
        return tell(`${happening.room}: resync. Something may be missing, so it is loaded afresh.`, 'bad')
      case 'refused':
        return row(`${happening.room} cannot be entered: ${happening.error.message}`, 'bad')
      case 'removed':
        return tell(`Taken out of ${happening.room}: ${happening.reason}`, 'bad')
    }
  }

  let roundTrip = '–'
  function facts() {
    const { node = '–', clientId = '–' } = client.connection.value
    const { broadcasts, doubles, resyncs, connections, resumed } = client.stats
    const rows = [
      ['Node', node],
      ['Client', clientId],
      ['Round trip', roundTrip],
      ['Heard', several(broadcasts, 'broadcast')],
      ['Dropped', several(doubles, 'double')],
      ['Afresh', several(resyncs, 'resync')],
      ['Connections', `${connections}, ${resumed} by ticket`],
    ]
    $('facts').replaceChildren(...rows.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]))
  }

  /** Once per frame that is drawn, however much happens. */
  function factsSoon() {
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(facts)
  }

  async function ping() {
    const begin = performance.now()
    try {
      await client.request('ping', {})
      roundTrip = `${(performance.now() - begin).toFixed(1)} ms`
    } catch {
      roundTrip = '–'
    }
    facts()
  }

  client.connection.subscribe(connectionChanged)
  client.onHappening(happened)
  setInterval(() => client.connection.value.state === 'connected' && void ping(), PING_EVERY_MS)
  connectionChanged()
  return { tell }
}
