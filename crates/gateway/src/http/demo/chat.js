// The chat: stored messages, those on their way, and who writes.

import { $, avatar, clock, make, words } from './page.js'

export function showChat(client, room, user, log) {
  const list = room.messages

  const row = (by, content, time, state = '') =>
    make(
      'li',
      { className: `message ${by === user ? 'own' : ''} ${state}` },
      avatar(by),
      make('div', { className: 'bubble' }, make('span', { className: 'who' }, by, ' ', make('time', {}, time)), make('span', { className: 'text' }, content)),
    )

  const pending = (entry) => {
    const element = row(user, entry.content, entry.state === 'failed' ? 'not sent' : 'sending', entry.state)
    if (entry.state !== 'failed') return element
    element.querySelector('.bubble').append(
      make('span', { className: 'why' }, words(entry.error)),
      make('button', { type: 'button', onclick: () => list.retry(entry.clientMessageId) }, 'Again'),
      make('button', { type: 'button', onclick: () => list.discard(entry.clientMessageId) }, 'Discard'),
    )
    return element
  }

  const draw = () => {
    const view = list.view.value
    const isAtEnd = $('messages').scrollHeight - $('messages').scrollTop - $('messages').clientHeight < 60
    const stored = view.messages.filter(({ deletedAt }) => !deletedAt)
    const rows = stored.map((message) => row(message.fromUserId, message.content, clock(message.createdAt)))
    if (view.hasOlder) rows.unshift(make('li', {}, make('button', { type: 'button', onclick: () => list.loadOlder().catch(() => undefined) }, 'Older messages')))
    rows.push(...view.pending.map(pending))
    if (rows.length === 0) rows.push(make('li', { className: 'hint' }, view.state === 'failed' ? words(view.error) : 'Nobody has said anything yet.'))
    $('messages').replaceChildren(...rows)
    if (isAtEnd) $('messages').scrollTop = $('messages').scrollHeight
  }
  list.view.subscribe(draw)
  draw()

  const drawTyping = () => {
    const who = room.typing.users.value
    $('typing').textContent = who.length === 0 ? '' : who.length > 2 ? 'Several people are writing …' : `${who.join(' and ')} ${who.length === 1 ? 'is' : 'are'} writing …`
  }
  room.typing.users.subscribe(drawTyping)

  $('message').addEventListener('input', () => ($('message').value === '' ? room.typing.stop() : room.typing.start()))
  $('write').addEventListener('submit', (event) => {
    event.preventDefault()
    const text = $('message').value.trim()
    if (text === '') return
    try {
      // A message that fails is shown as such; nobody waits for it here.
      list.send(text).stored.catch(() => undefined)
      $('message').value = ''
    } catch (error) {
      log.tell(`The message was not taken: ${words(error)}`, 'bad')
    }
    $('messages').scrollTop = $('messages').scrollHeight
  })
}
