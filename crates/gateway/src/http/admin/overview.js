// The cluster now: nodes, connections over time, rooms; and of the node that is asked its link to Redis, closes and queues.

import { get, metricsText, Refused } from './api.js'
import { chart } from './chart.js'
import { closes, parse, rate, sum } from './metrics.js'
import { $, age, count, facts, fill, link, make } from './page.js'

/** How much of the past is kept and drawn, in milliseconds. */
const SPAN = 10 * 60_000
const ROOMS = 20

const samples = []
let before
let sort = 'sockets'

/** Asks, and shows what was answered. */
export async function refresh() {
  const [{ nodes }, text, rooms] = await Promise.all([get('nodes'), metricsText(), topRooms()])
  const now = { at: Date.now(), metrics: parse(text) }
  showNodes(nodes, now.at)
  showHere(now)
  showFigures(nodes, now)
  showRooms(rooms)
  before = now
}

/** Nothing where the node does not list rooms. */
async function topRooms() {
  try {
    return (await get(`rooms?limit=${ROOMS}&sort=${sort}`)).rooms
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 405)) return undefined
    throw error
  }
}

function showNodes(nodes, at) {
  samples.push({ at, values: new Map(nodes.map(({ node, connections }) => [node, connections])) })
  while (samples[0].at < at - SPAN) samples.shift()
  const { svg, names } = chart(samples)
  const legend = names.map((name, place) => make('li', { className: `s${place % 6}` }, name, ' ', make('b', {}, count(samples.at(-1).values.get(name) ?? 0))))
  $('chart').replaceChildren(svg, make('ul', { className: 'legend' }, ...legend))
  $('connections-since').textContent = 'as this page has seen them'
  const rows = nodes.map((node) => [node.node, node.connections, node.rooms, node.draining ? 'draining' : 'serving', age(node.startedAt)])
  fill($('nodes'), ['Node', 'Connections', 'Rooms', 'State', 'Up for'], rows, 'No node has said that it is alive.')
}

function showFigures(nodes, { at, metrics }) {
  const total = (name) => nodes.reduce((sum, node) => sum + node[name], 0)
  const seconds = before ? (at - before.at) / 1000 : 0
  const perSecond = (name) => (before ? `${count(Math.round(rate(before.metrics, metrics, name, seconds) * 10) / 10)}` : '–')
  const isUp = sum(metrics, 'hallway_bus_up') === 1
  const figure = (name, value, kind = '') => make('div', { className: `card figure ${kind}` }, make('b', {}, value), make('span', {}, name))
  $('figures').replaceChildren(
    figure('connections', count(total('connections'))),
    figure('nodes', count(nodes.length)),
    figure('broadcasts/s heard here', perSecond('hallway_broadcasts_received_total')),
    figure('deliveries/s here', perSecond('hallway_deliveries_total')),
    figure('slow consumers here', count(sum(metrics, 'hallway_slow_consumers_total')), sum(metrics, 'hallway_socket_queue_sockets') > 0 ? 'warn' : ''),
    figure('link to Redis', isUp ? 'up' : 'down', isUp ? 'good' : 'bad'),
  )
}

function showHere({ metrics }) {
  const value = (name) => sum(metrics, `hallway_${name}`)
  facts($('here'), [
    ['Link to Redis', value('bus_up') === 1 ? 'up' : 'down'],
    ['Last probe came back', `${count(value('bus_probe_age_milliseconds'))} ms ago`],
    ['Link made anew', `${count(value('bus_reconnects_total'))} times`],
    ['Publishes that wait', count(value('bus_publish_queue_requests'))],
    ['Gaps, and resyncs told', `${count(value('gaps_total'))}, ${count(value('resyncs_total'))}`],
    ['Sockets with a queue', `${count(value('socket_queue_sockets'))}, ${count(value('socket_queue_bytes'))} bytes`],
    ['Closed as slow consumers', count(value('slow_consumers_total'))],
  ])
  const rows = (metrics.get('hallway_connections_closed_total') ?? []).filter(({ value }) => value > 0)
  rows.sort((a, b) => b.value - a.value)
  const most = Math.max(1, ...rows.map(({ value }) => value))
  const bar = ({ labels: { code }, value }) => {
    const meter = make('meter', { min: 0, max: most, value, 'aria-label': `${code}: ${value}` })
    return make('div', { className: 'bar' }, make('span', {}, `${code} ${closes[code] ?? ''}`), meter, make('b', {}, count(value)))
  }
  $('closes').replaceChildren(...(rows.length > 0 ? rows.map(bar) : [make('p', { className: 'hint' }, 'None has ended yet.')]))
}

function showRooms(rooms) {
  const names = ['Room', 'Sockets', 'Broadcasts/s']
  const perSecond = (room) => room.broadcastsPerSecond ?? room.rate ?? room.broadcasts ?? '–'
  const row = (room) => [link('room', room.room), room.sockets ?? room.socketCount ?? '–', perSecond(room)]
  fill($('rooms'), names, (rooms ?? []).map(row), rooms ? 'No room has anyone in it.' : 'This node does not list rooms.')
}

for (const button of document.querySelectorAll('[data-sort]')) {
  button.addEventListener('click', () => {
    sort = button.dataset.sort
    for (const other of document.querySelectorAll('[data-sort]')) other.setAttribute('aria-pressed', String(other === button))
    void refresh().catch(() => undefined)
  })
}
