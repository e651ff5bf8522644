// Who is on the board, and who one is oneself.

import { $, avatar, make, words } from './page.js'

/** Avatars that are shown; the others are counted. */
const MOST = 6

export function showPeople(room) {
  const draw = () => {
    const { users, userCount } = room.people.view.value
    const shown = [...users].sort((a, b) => (a.userId < b.userId ? -1 : 1)).slice(0, MOST)
    const faces = shown.map(({ userId, status }) =>
      make('li', { 'data-status': status }, avatar(userId, { title: `${userId}: ${status.toLowerCase()}` }), make('span', { className: 'hidden' }, `${userId}, ${status.toLowerCase()}`)),
    )
    if (userCount > shown.length) faces.push(make('li', { className: 'more' }, `+${userCount - shown.length}`))
    $('people').replaceChildren(...faces)
  }
  room.people.view.subscribe(draw)
  draw()
}

export function showMe(client, user, leave) {
  $('me-avatar').replaceWith(avatar(user, { id: 'me-avatar' }))
  $('me-name').textContent = user
  $('status').addEventListener('change', async () => {
    await client.presence.update($('status').value).catch((error) => ($('status').title = words(error)))
  })
  $('cut').addEventListener('click', () => client.dropConnection())
  $('offline').addEventListener('click', () => (client.connection.value.state === 'closed' ? client.connect() : client.close()))
  $('leave').addEventListener('click', leave)
  client.connection.subscribe(() => {
    const isClosed = client.connection.value.state === 'closed'
    $('offline').textContent = isClosed ? 'Go online' : 'Go offline'
    $('cut').disabled = client.connection.value.state !== 'connected'
  })
}
