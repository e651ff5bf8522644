// The demo: who signs in gets a board, its chat, lobbies, and a log of what the client notices. Everything goes over one
// connection of the TypeScript client.

import { createClient } from './hallway-client.js'
import { Board } from './board.js'
import { showChat } from './chat.js'
import { showLobbies } from './lobbies.js'
import { showLog } from './log.js'
import { showMe, showPeople } from './people.js'
import { $, make, several } from './page.js'

const KEPT = 'hallway-demo'

/** A token of the node that serves the page: this is what development mode is for. */
async function token(user) {
  const answer = await fetch('/demo/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user }),
  })
  const body = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(body.error?.message ?? `no token: status ${answer.status}`)
  return body.token
}

function enter(user, board) {
  sessionStorage.setItem(KEPT, JSON.stringify({ user, board }))
  document.title = `${user} on ${board}: Hallway demo`
  $('sign-in').hidden = true
  for (const id of ['app', 'tabs', 'me']) $(id).hidden = false
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`
  const client = createClient({ url, token: () => token(user), backoffMostMs: 5_000 })
  // For whoever opens the browser's console.
  window.hallway = client
  const room = client.join(`board-${board}`)
  const log = showLog(client)
  new Board(room, client, user, log)
  showPeople(room)
  showMe(client, user, () => {
    client.close()
    sessionStorage.removeItem(KEPT)
    location.reload()
  })
  showChat(client, client.join(`group-${board}`), user, log)
  showLobbies(client, user, log)
  showCount(client)
  client.update({ device: 'demo page' }).catch(() => undefined)
}

/** How many connections the cluster holds; hidden where no node says so. */
function showCount(client) {
  const show = ({ connections, nodes }) => {
    $('count').replaceChildren(make('b', {}, String(connections)), ` online on ${several(nodes, 'node')}`)
    $('count').hidden = false
  }
  client.join('public-stats').on('connection-count', show)
  // Said when it changes; asked for at each beginning.
  const ask = () => client.connection.value.state === 'connected' && client.request('stats.get', {}).then(show, () => undefined)
  client.connection.subscribe(ask)
}

function show(view) {
  document.body.dataset.view = view
  for (const button of $('tabs').children) button.setAttribute('aria-pressed', String(button.dataset.shows === view))
}

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  enter($('name').value.trim(), $('board').value.trim())
})
$('tabs').addEventListener('click', ({ target }) => target.dataset.shows && show(target.dataset.shows))
show('board')

const before = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null')
if (before) enter(before.user, before.board)
else $('name').focus()
