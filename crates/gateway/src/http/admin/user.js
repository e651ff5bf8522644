// One user: their sockets on all nodes, and sending them away.

import { call, get } from './api.js'
import { $, clock, fill, make } from './page.js'

let shown

export async function show(user) {
  shown = user
  $('user-name').value = user
  $('disconnect-answer').textContent = ''
  await refresh()
}

/** Asks again about the user that is shown. */
export async function refresh() {
  if (!shown) return
  const user = await get(`users/${encodeURIComponent(shown)}`)
  if (user.userId !== shown) return
  $('user-answer').hidden = false
  $('user-title').replaceChildren(user.userId, ' ', make('small', {}, user.status.toLowerCase()))
  const row = (socket) => [
    socket.clientId,
    socket.node,
    socket.device ?? '–',
    socket.address ?? '–',
    socket.connectedAt ? clock(socket.connectedAt) : '–',
    socket.isActive ? 'yes' : 'no',
    make('button', { type: 'button', 'data-writes': '', 'aria-label': `Disconnect ${socket.clientId}`, onclick: () => void sendAway({ clientId: socket.clientId }) }, 'Disconnect'),
  ]
  fill($('sockets'), ['Client', 'Node', 'Device', 'Address', 'Since', 'Looked at', ''], user.sockets.map(row), 'No socket is open.')
}

async function sendAway(whom) {
  const say = (text) => ($('disconnect-answer').textContent = text)
  try {
    await call('POST', 'disconnect', { ...whom, reason: $('reason').value })
    say(`Sent away: ${whom.userId ?? whom.clientId}.`)
    await refresh()
  } catch (error) {
    say(`Not done: ${error.message}`)
  }
}

$('find-user').addEventListener('submit', (event) => {
  event.preventDefault()
  location.hash = `user/${encodeURIComponent($('user-name').value.trim())}`
})
$('disconnect').addEventListener('submit', (event) => {
  event.preventDefault()
  void sendAway({ userId: shown, ...($('revoke').checked && { revoke: true }) })
})
