// The cluster now: nodes, connections over time, rooms, the link to Redis, why connections ended, who does not read.

import { get, Refused } from './api.js'
import { chart } from './chart.js'
import { figures } from './figures.js'
import { closes, rate } from './metrics.js'
import { $, age, count, facts, fill, link, make } from './page.js'

/** How much of the past is kept and drawn, in milliseconds. */
const SPAN = 10 * 60_000
const ROOMS = 20

const samples = []
let before
let sort = 'sockets'

/** Asks, and shows what was answered. */
export async function refresh() {
  const [{ nodes }, counted, rooms] = await Promise.all([get('nodes'), figures(), topRooms()])
  const now = { at: Date.now(), ...counted }
  showNodes(nodes, now)
  showCounted(now)
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

const state = ({ node, draining }, links) => (links.get(node) === false ? 'without Redis' : draining ? 'draining' : 'serving')

function showNodes(nodes, { at, nodes: links }) {
  samples.push({ at, values: new Map(nodes.map(({ node, connections }) => [node, connections])) })
  while (samples[0].at < at - SPAN) samples.shift()
  const { svg, names } = chart(samples)
  const legend = names.map((name, place) => make('li', { className: `s${place % 6}` }, name, ' ', make('b', {}, count(samples.at(-1).values.get(name) ?? 0))))
  $('chart').replaceChildren(svg, make('ul', { className: 'legend' }, ...legend))
  $('connections-since').textContent = 'as this page has seen them'
  const rows = nodes.map((node) => [node.node, node.connections, node.rooms, state(node, links), age(node.startedAt)])
  fill($('nodes'), ['Node', 'Connections', 'Rooms', 'State', 'Up for'], rows, 'No node has said that it is alive.')
}

function showFigures(nodes, now) {
  const total = (name) => nodes.reduce((sum, node) => sum + node[name], 0)
  const seconds = before ? (now.at - before.at) / 1000 : 0
  const perSecond = (name) => (before ? count(Math.round(rate(before[name], now[name], seconds) * 10) / 10) : '–')
  const figure = (name, value, kind = '') => make('div', { className: `card figure ${kind}` }, make('b', {}, value), make('span', {}, name))
  $('figures').replaceChildren(
    figure('connections', count(total('connections'))),
    figure('nodes', count(nodes.length)),
    figure('broadcasts/s heard', perSecond('heard')),
    figure('deliveries/s', perSecond('deliveries')),
    figure('sockets that lag', count(now.queuedSockets), now.queuedSockets > 0 ? 'warn' : ''),
    figure('link to Redis', now.isUp ? 'up' : 'down', now.isUp ? 'good' : 'bad'),
  )
}

function showCounted(now) {
  $('counted-of').textContent = now.of
  facts($('counted'), [
    ['Link to Redis', now.isUp ? 'up' : 'down'],
    ['Last probe came back', `${count(now.probeAge)} ms ago`],
    ['Link made anew', `${count(now.reconnects)} times`],
    ['Publishes that wait', count(now.waiting)],
    ['Rooms told to load afresh', count(now.resyncs)],
    ['Sockets that lag', `${count(now.queuedSockets)}, ${count(now.queuedBytes)} bytes`],
    ['Closed as slow consumers', count(now.slow)],
  ])
  const rows = now.closed.filter(([, times]) => times > 0).sort(([, a], [, b]) => b - a)
  const most = Math.max(1, ...rows.map(([, times]) => times))
  const bar = ([code, times]) => {
    const meter = make('meter', { min: 0, max: most, value: times, 'aria-label': `${code}: ${times}` })
    return make('div', { className: 'bar' }, make('span', {}, `${code} ${closes[code] ?? ''}`), meter, make('b', {}, count(times)))
  }
  $('closes').replaceChildren(...(rows.length > 0 ? rows.map(bar) : [make('p', { className: 'hint' }, 'None has ended yet.')]))
}

function showRooms(rooms) {
  const row = ({ room, sockets, nodes, broadcastsPerSecond = '–' }) => [link('room', room), sockets, nodes, broadcastsPerSecond]
  fill($('rooms'), ['Room', 'Sockets', 'Nodes', 'Broadcasts/s'], (rooms ?? []).map(row), rooms ? 'No room has anyone in it.' : 'This node does not list rooms.')
}

for (const button of document.querySelectorAll('[data-sort]')) {
  button.addEventListener('click', () => {
    sort = button.dataset.sort
    for (const other of document.querySelectorAll('[data-sort]')) other.setAttribute('aria-pressed', String(other === button))
    void refresh().catch(() => undefined)
  })
}
