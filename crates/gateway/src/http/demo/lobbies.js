// Lobbies: rooms that people open, come into and leave. The pool tells of changes and numbers nothing, so the list is read
// anew after each return.

import { $, avatar, make, several, words } from './page.js'

/** Changes within this time lead to one question. Milliseconds. */
const SOON = 150

export function showLobbies(client, user, log) {
  let mine = null
  let room
  let isAsked = false

  const soon = () => {
    if (isAsked) return
    isAsked = true
    setTimeout(() => {
      isAsked = false
      void read()
    }, SOON)
  }

  async function read() {
    if (client.connection.value.state !== 'connected') return
    try {
      const [own, page] = await Promise.all([client.lobbies.get(), client.lobbies.list({ limit: 10 })])
      enter(own)
      draw(page.lobbies)
      $('lobby-note').textContent = page.lobbies.length === 0 ? 'No lobby is open.' : ''
    } catch (error) {
      if (error.outcome === 'refused') $('lobby-note').textContent = words(error)
    }
  }

  /** Listens to the lobby that one is in, and to no other. */
  function enter(lobby) {
    if (mine?.lobbyId !== lobby?.lobbyId) {
      room?.leave()
      room = lobby ? client.lobbies.room(lobby.lobbyId) : undefined
      room?.onAny(soon)
    }
    mine = lobby
  }

  const act = (deed) => async () => {
    try {
      await deed()
    } catch (error) {
      log.tell(words(error), 'bad')
    }
    soon()
  }

  const faces = (lobby) => make('span', { className: 'faces' }, ...lobby.members.slice(0, 5).map(({ userId }) => avatar(userId)))

  function draw(lobbies) {
    const own = mine
    $('my-lobby').replaceChildren()
    if (own) {
      $('my-lobby').append(
        make(
          'div',
          { className: 'lobby mine' },
          make('b', {}, own.name ?? 'A lobby'),
          faces(own),
          make('span', { className: 'hint' }, `${several(own.members.length, 'person').replace('persons', 'people')} of ${own.capacity}${own.ownerId === user ? ', yours' : ''}`),
          make('button', { type: 'button', onclick: act(() => client.lobbies.leave()) }, 'Leave'),
        ),
      )
    }
    $('make-lobby').hidden = own !== null
    const others = lobbies.filter(({ lobbyId }) => lobbyId !== own?.lobbyId)
    $('lobbies').replaceChildren(
      ...others.map((lobby) => {
        const people = lobby.memberCount ?? lobby.members.length
        const isFull = people >= lobby.capacity
        const join = make('button', { type: 'button', disabled: isFull || own !== null, onclick: act(() => client.lobbies.join(lobby.lobbyId)) }, isFull ? 'Full' : 'Join')
        const seats = make('span', { className: 'hint' }, `${people}/${lobby.capacity}`)
        return make('li', { className: 'lobby' }, make('b', {}, lobby.name ?? 'A lobby'), faces(lobby), seats, join)
      }),
    )
  }

  $('make-lobby').addEventListener('submit', (event) => {
    event.preventDefault()
    const name = $('lobby-name').value.trim()
    $('lobby-name').value = ''
    void act(() => client.lobbies.create({ ...(name && { name }), capacity: 4 }))()
  })
  client.lobbies.news().onAny(soon)
  client.connection.subscribe(soon)
  soon()
}
