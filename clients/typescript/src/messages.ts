// The stored messages of a room, and those on their way to it.

import type { ListMessages, Message, MessagePage, SendMessage } from './domain.js'
import type { HallwayClient } from './client.js'
import { Cell, type Store, type Unsubscribe } from './emitter.js'
import { asError } from './errors.js'
import type { OutboxEntry, Sent } from './outbox.js'
import type { Room } from './room.js'
import type { Resync } from './channel.js'

/** Messages that are kept here; older ones are loaded again when they are asked for. */
const MOST = 1_000
/** How many are asked for at once. */
const PAGE = 50
/** What is asked for again before a time read from another clock. Milliseconds. */
const MARGIN = 5_000
/** Pages after which a gap is too long to be filled, and the list begins anew. */
const MOST_PAGES = 20

/** What there is to show. */
export interface MessageView {
  /** Stored, the oldest first. Deleted ones are among them, with `deletedAt`. */
  readonly messages: readonly Message[]
  /** Not stored yet, to be shown below them: waiting, being sent, or failed. */
  readonly pending: readonly OutboxEntry[]
  /** Whether `loadOlder` would bring any. */
  readonly hasOlder: boolean
  readonly state: 'loading' | 'ready' | 'failed'
  readonly error: Error | undefined
}

export class MessageList {
  readonly #client: HallwayClient
  readonly #room: Room
  readonly #view: Cell<MessageView>
  readonly #unsubscribes: Unsubscribe[]
  /** Since when changes are missing; nothing while none are. `null`: everything is to be loaded. */
  #missingSince: number | null | undefined = null
  #isLoading = false
  #hasEnded = false

  constructor(client: HallwayClient, room: Room) {
    this.#client = client
    this.#room = room
    this.#view = new Cell<MessageView>({ messages: [], pending: [], hasOlder: false, state: 'loading', error: undefined })
    this.#unsubscribes = [
      room.on('new-message', (message) => this.#put([message])),
      room.on('message-edited', (message) => this.#put([message])),
      room.on('message-deleted', (message) => this.#put([message])),
      room.on('message-reaction', (message) => this.#put([message])),
      room.onResync((resync) => this.#resync(resync)),
      room.status.subscribe(() => void this.#load()),
      client.connection.subscribe(() => void this.#load()),
      client.outbox.onStored((message) => message.room === room.name && this.#put([message])),
      client.outbox.subscribe(() => this.#set({})),
    ]
    this.#set({})
    void this.#load()
  }

  get view(): Store<MessageView> {
    return this.#view
  }

  /** Takes a message: it is in `pending` at once, and sent when there is a connection. Throws `queue-full`. */
  send(content: string, more: Omit<SendMessage, 'room' | 'content'> = {}): Sent {
    return this.#client.outbox.send({ room: this.#room.name, content, ...more })
  }

  /** Tries a failed message again. */
  retry(clientMessageId: string): Sent | undefined {
    return this.#client.outbox.retry(clientMessageId)
  }

  /** Forgets a message that is not stored yet. */
  discard(clientMessageId: string): void {
    this.#client.outbox.discard(clientMessageId)
  }

  /** Changes the content of one's own message. */
  async edit(messageId: string, content: string): Promise<void> {
    this.#put([await this.#client.request('messages.edit', { room: this.#room.name, messageId, content })])
  }

  /** Takes a message back. */
  async delete(messageId: string): Promise<void> {
    this.#put([await this.#client.request('messages.delete', { room: this.#room.name, messageId })])
  }

  /** Gives a reaction, or takes it back. */
  async react(messageId: string, reaction: string, on = true): Promise<void> {
    this.#put([await this.#client.request('messages.react', { room: this.#room.name, messageId, reaction, on })])
  }

  /** Says that everything up to this message was read. */
  async read(messageId: string): Promise<void> {
    await this.#client.request('messages.read', { room: this.#room.name, messageId })
  }

  /** Loads what stands before the oldest message. */
  async loadOlder(limit = PAGE): Promise<void> {
    const oldest = this.#view.value.messages[0]
    if (!oldest) return
    const page = await this.#list({ before: oldest.id, limit })
    this.#put(page.messages, true)
    this.#set({ hasOlder: page.nextCursor !== null })
  }

  dispose(): void {
    this.#hasEnded = true
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
  }

  #list(page: Omit<ListMessages, 'room'>): Promise<MessagePage> {
    return this.#client.request('messages.list', { room: this.#room.name, ...page })
  }

  #resync({ since }: Resync): void {
    // Of two gaps the earlier one counts.
    const known = this.#missingSince
    this.#missingSince = known === undefined ? since : known === null || since === null ? null : Math.min(known, since)
    void this.#load()
  }

  /** Loads what is missing. Broadcasts that come meanwhile are put among it. */
  async #load(): Promise<void> {
    const isThere = this.#room.status.value.state !== 'joining' && this.#client.connection.value.state === 'connected'
    if (this.#isLoading || this.#hasEnded || !isThere) return
    this.#isLoading = true
    try {
      while (this.#missingSince !== undefined && !this.#hasEnded) {
        const since = this.#missingSince
        this.#missingSince = undefined
        try {
          await (since === null ? this.#loadNewest() : this.#loadSince(since - MARGIN))
        } catch (thrown) {
          const later = this.#missingSince as number | null | undefined
          this.#missingSince = later === null || since === null ? null : since
          throw thrown
        }
      }
    } catch (thrown) {
      this.#set({ state: 'failed', error: asError(thrown) })
    } finally {
      this.#isLoading = false
    }
  }

  async #loadNewest(): Promise<void> {
    const page = await this.#list({ limit: PAGE })
    this.#put(page.messages)
    this.#set({ state: 'ready', error: undefined, hasOlder: page.nextCursor !== null })
  }

  async #loadSince(since: number): Promise<void> {
    let page = await this.#list({ since, limit: PAGE })
    this.#put(page.messages)
    for (let pages = 1; page.nextCursor !== null; pages += 1) {
      if (pages === MOST_PAGES) {
        this.#set({ messages: [] })
        return this.#loadNewest()
      }
      page = await this.#list({ after: page.nextCursor, limit: PAGE })
      this.#put(page.messages)
    }
    this.#set({ state: 'ready', error: undefined })
  }

  /** Puts messages in their places. What came last of a message is how it is. */
  #put(messages: readonly Message[], isOlder = false): void {
    const byId = new Map(this.#view.value.messages.map((message) => [message.id, message]))
    for (const message of messages) byId.set(message.id, { ...byId.get(message.id), ...message })
    const sorted = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)))
    // Who loads older ones has them; otherwise the newest are kept.
    const kept = isOlder ? sorted : sorted.slice(-MOST)
    this.#set({ messages: kept, ...(kept.length < sorted.length && { hasOlder: true }) })
    for (const message of messages) this.#client.outbox.confirm(message)
  }

  #set(change: Partial<MessageView>): void {
    if (this.#hasEnded) return
    const next = { ...this.#view.value, ...change }
    const stored = new Set(next.messages.map((message) => message.clientMessageId))
    const pending = this.#client.outbox.value.filter((entry) => entry.room === this.#room.name && !stored.has(entry.clientMessageId))
    const isSame = pending.length === next.pending.length && pending.every((entry, place) => entry === next.pending[place])
    if (isSame && Object.keys(change).length === 0) return
    this.#view.set({ ...next, pending: isSame ? next.pending : pending })
  }
}
