// The console: a key is typed in, then one of its parts is looked at, asked for anew every few seconds while it is seen.

import { get, Refused, setKey } from './api.js'
import * as overview from './overview.js'
import * as room from './room.js'
import * as user from './user.js'
import { $ } from './page.js'

const EVERY = 3_000
const parts = { overview, room, user }

let isIn = false
let timer

async function signIn(key) {
  setKey(key)
  const { mayWrite } = await get('key')
  isIn = true
  document.body.classList.toggle('reads-only', !mayWrite)
  $('access').textContent = mayWrite ? 'may change things' : 'read-only key'
  $('access').dataset.kind = mayWrite ? 'warn' : 'good'
  for (const id of ['tabs', 'access', 'sign-out']) $(id).hidden = false
  $('sign-in').hidden = true
  $('key').value = ''
  show()
}

/** Shows the part that the address names: `#room/board-42`. */
function show() {
  if (!isIn) return
  const [name, subject] = location.hash.slice(1).split('/')
  const part = name in parts ? name : 'overview'
  for (const id of Object.keys(parts)) $(id).hidden = id !== part
  for (const link of $('tabs').children) {
    if (link.hash === `#${part}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  room.stop()
  void attempt(() => (subject ? parts[part].show(decodeURIComponent(subject)) : parts[part].refresh()))
  clearInterval(timer)
  timer = setInterval(() => document.visibilityState === 'visible' && void attempt(parts[part].refresh), EVERY)
}

/** Does it, and says what went wrong where that can be seen. */
async function attempt(deed) {
  try {
    await deed()
    $('trouble').hidden = true
  } catch (error) {
    $('trouble').textContent = error instanceof Refused ? error.message : `The node does not answer: ${error.message}`
    $('trouble').hidden = false
  }
  // Buttons are made anew with every answer.
  const isReader = document.body.classList.contains('reads-only')
  for (const button of document.querySelectorAll('[data-writes]')) button.disabled = isReader
}

$('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault()
  try {
    await signIn($('key').value)
  } catch (error) {
    $('sign-in-error').textContent = error.status === 401 ? 'The node does not know this key.' : error.message
  }
})
// With the page goes the key.
$('sign-out').addEventListener('click', () => location.reload())
addEventListener('hashchange', show)
$('key').focus()
