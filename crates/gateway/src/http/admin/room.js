// One room: where it stands, who is in it, its broadcasts as they come, and publishing to it.

import { call, follow, get } from './api.js'
import { $, clock, count, facts, fill, link, make } from './page.js'

/** Broadcasts that are shown. */
const ROWS = 200
/** Between a tail that ended by itself and the next. Milliseconds. */
const AGAIN = 2_000

let shown
let following

export async function show(room) {
  stop()
  shown = room
  $('room-name').value = room
  $('tail').replaceChildren()
  await refresh()
  start()
}

/** Asks again about the room that is shown. */
export async function refresh() {
  if (!shown) return
  const room = await get(`rooms/${encodeURIComponent(shown)}`)
  if (room.room !== shown) return
  $('room-answer').hidden = false
  $('room-title').textContent = room.room
  facts($('room-facts'), [
    ['Number', room.state ? `#${count(room.state.seq)} in epoch ${room.state.epoch}` : 'nothing is numbered'],
    ['Last broadcast', room.state ? clock(room.state.lastBroadcastTimestamp) : '–'],
    ['Users and sockets', `${count(room.userCount)} and ${count(room.socketCount)}`],
  ])
  const rows = room.users.map(({ userId, status, sockets }) => [link('user', userId), status, sockets])
  fill($('room-users'), ['User', 'Status', 'Sockets'], rows, 'Nobody is shown.')
}

/** Ends the tail, as when another part of the console is looked at. */
export function stop() {
  following?.abort()
  following = undefined
  $('tail-state').textContent = 'stopped'
  $('tail-toggle').textContent = 'Follow'
}

async function start() {
  const mine = (following = new AbortController())
  $('tail-toggle').textContent = 'Stop'
  $('tail-state').textContent = 'connecting'
  while (!mine.signal.aborted) {
    try {
      await follow(shown, mine.signal, (name, data) => mine === following && row(name, data))
      $('tail-state').textContent = 'the node ended it'
    } catch (error) {
      if (mine.signal.aborted) return
      $('tail-state').textContent = error.message
      if (error.status && error.status < 500 && error.status !== 429) return stopWith(error.message)
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN))
  }
}

function stopWith(text) {
  stop()
  $('tail-state').textContent = text
}

function row(name, data) {
  if (name === 'open') return void ($('tail-state').textContent = 'following')
  const time = make('time', {}, clock(data.ts ?? Date.now()))
  const what =
    name === 'message'
      ? [make('span', { className: 'seq' }, `#${data.seq}`), make('b', {}, data.destination), make('code', {}, JSON.stringify(data.data))]
      : [make('span', { className: 'seq' }, '!'), make('b', {}, name), make('code', {}, JSON.stringify(data))]
  $('tail').prepend(make('li', { className: name }, time, ...what))
  while ($('tail').children.length > ROWS) $('tail').lastElementChild.remove()
}

$('tail-toggle').addEventListener('click', () => (following ? stop() : void start()))
$('tail-clear').addEventListener('click', () => $('tail').replaceChildren())
$('find-room').addEventListener('submit', (event) => {
  event.preventDefault()
  location.hash = `room/${encodeURIComponent($('room-name').value.trim())}`
})
$('publish').addEventListener('submit', async (event) => {
  event.preventDefault()
  const say = (text) => ($('publish-answer').textContent = text)
  let data
  try {
    data = JSON.parse($('data').value)
  } catch (error) {
    return say(`The data is no JSON: ${error.message}`)
  }
  try {
    const { results } = await call('POST', 'broadcast', { room: shown, destination: $('destination').value.trim(), data })
    say(results[0].seq === undefined ? 'Published, without a number.' : `Published as #${results[0].seq}.`)
    await refresh()
  } catch (error) {
    say(`Not published: ${error.message}`)
  }
})
