// Messages on their way: shown at once, sent when there is a connection, in order per room, and each stored once however
// often it is sent, since it carries a `clientMessageId`.

import type { Message, MessageType, SendMessage } from './domain.js'
import { Backoff } from './backoff.js'
import type { HallwayClient } from './client.js'
import { Emitter, Store, type Unsubscribe } from './emitter.js'
import { HallwayError } from './errors.js'
import { Timer } from './timer.js'

/** How often a message is sent again that the server answers with a fault of its own, or that its room is not joined. */
const TRIES = 5

/** A message that is not stored yet. */
export interface OutboxEntry {
  readonly clientMessageId: string
  readonly room: string
  readonly content: string
  readonly type: MessageType
  readonly replyToId: string | undefined
  /** When it was given, in Unix milliseconds of this side's clock. */
  readonly createdAt: number
  /** `failed`: refused for good; it stays until it is tried again or discarded. */
  readonly state: 'waiting' | 'sending' | 'failed'
  readonly error: HallwayError | undefined
}

/** A message that was taken. */
export interface Sent {
  clientMessageId: string
  /** The stored message; fails when the message does, or is discarded. Need not be listened to. */
  stored: Promise<Message>
}

interface Pending {
  resolve: (message: Message) => void
  reject: (error: HallwayError) => void
  tries: number
}

/** How a room's messages are sent: one after the other. */
interface Line {
  isSending: boolean
  later: Timer
  backoff: Backoff
}

export class Outbox extends Store<readonly OutboxEntry[]> {
  readonly #client: HallwayClient
  readonly #most: number
  readonly #pending = new Map<string, Pending>()
  readonly #lines = new Map<string, Line>()
  readonly #emitter = new Emitter<{ taken: string; stored: Message }>()

  constructor(client: HallwayClient, most: number) {
    super([])
    this.#client = client
    this.#most = most
    client.connection.subscribe(() => {
      if (client.connection.value.state === 'connected') for (const room of this.#lines.keys()) this.#pump(room)
    })
  }

  /** Takes a message. Throws `queue-full` where too many wait already, which is counted in the client's `stats`. */
  send(message: SendMessage): Sent {
    const clientMessageId = message.clientMessageId ?? newId()
    if (this.#pending.has(clientMessageId)) throw new HallwayError('conflict', `${clientMessageId} is under way`, 'not-sent')
    if (this.value.length >= this.#most) {
      this.#client.stats.outboxRefused += 1
      throw new HallwayError('queue-full', `${this.#most} messages wait to be sent`, 'not-sent')
    }
    const { room, content, type = 'TEXT', replyToId } = message
    const stored = new Promise<Message>((resolve, reject) => {
      this.#pending.set(clientMessageId, { resolve, reject, tries: 0 })
    })
    stored.catch(() => undefined)
    const entry = { clientMessageId, room, content, type, replyToId, createdAt: Date.now(), error: undefined }
    this.set([...this.value, { ...entry, state: 'waiting' }])
    this.#emitter.emit('taken', room)
    this.#pump(room)
    return { clientMessageId, stored }
  }

  /** Tries a failed message again, behind those that wait. */
  retry(clientMessageId: string): Sent | undefined {
    const entry = this.value.find((other) => other.clientMessageId === clientMessageId && other.state === 'failed')
    if (!entry) return undefined
    this.#remove(clientMessageId)
    const { room, content, type, replyToId } = entry
    return this.send({ clientMessageId, room, content, type, ...(replyToId !== undefined && { replyToId }) })
  }

  /** Forgets a message. One that is being sent may be stored all the same. */
  discard(clientMessageId: string): void {
    const pending = this.#pending.get(clientMessageId)
    this.#remove(clientMessageId)
    pending?.reject(new HallwayError('closed', 'the message was discarded', 'unknown'))
  }

  /** Hears in which room each message is said, when it is taken. */
  onTaken(listener: (room: string) => void): Unsubscribe {
    return this.#emitter.on('taken', listener)
  }

  /** Hears of each message of this client that is stored, before it is gone from here. */
  onStored(listener: (message: Message) => void): Unsubscribe {
    return this.#emitter.on('stored', listener)
  }

  /** A message is known to be stored: from its acknowledgement, or heard because that was lost. */
  confirm(message: Message): void {
    const id = message.clientMessageId
    const pending = id === null ? undefined : this.#pending.get(id)
    if (!pending || !this.value.some((entry) => entry.clientMessageId === id && entry.room === message.room)) return
    // Whoever is told may come here with it again.
    this.#pending.delete(id as string)
    this.#emitter.emit('stored', message)
    this.#remove(id as string)
    pending.resolve(message)
  }

  /** Forgets everything, for a client that is closed for good. */
  clear(): void {
    for (const { clientMessageId } of this.value) this.discard(clientMessageId)
    for (const line of this.#lines.values()) line.later.clear()
    this.#lines.clear()
  }

  #line(room: string): Line {
    const { backoffFirstMs, backoffMostMs, random } = this.#client.options
    const made = () => ({ isSending: false, later: new Timer(), backoff: new Backoff(backoffFirstMs, backoffMostMs, random) })
    const line = this.#lines.get(room) ?? made()
    this.#lines.set(room, line)
    return line
  }

  /** Sends the first message of a room that waits, unless one is being sent or must wait still. */
  #pump(room: string): void {
    const line = this.#line(room)
    if (line.isSending || line.later.isSet || this.#client.connection.value.state !== 'connected') return
    const entry = this.value.find((other) => other.room === room && other.state === 'waiting')
    if (!entry) return void this.#lines.delete(room)
    line.isSending = true
    this.#change(entry.clientMessageId, { state: 'sending' })
    void this.#sendOne(entry).then((waitMs) => {
      line.isSending = false
      if (waitMs !== undefined) line.later.set(waitMs, () => this.#pump(room))
      else line.backoff.reset()
      this.#pump(room)
    })
  }

  /** Returns how long the room's messages must wait, if this one is to be sent again. */
  async #sendOne({ clientMessageId, room, content, type, replyToId }: OutboxEntry): Promise<number | undefined> {
    try {
      const args = { room, content, type, clientMessageId, ...(replyToId !== undefined && { replyToId }) }
      this.confirm({ ...(await this.#client.request('messages.send', args)), clientMessageId })
      return undefined
    } catch (thrown) {
      const error = thrown instanceof HallwayError ? thrown : new HallwayError('internal', String(thrown), 'unknown')
      const pending = this.#pending.get(clientMessageId)
      if (!pending) return undefined
      if (this.#mayPass(error, room, pending)) {
        this.#change(clientMessageId, { state: 'waiting', error })
        return error.retryAfterMs ?? this.#line(room).backoff.next()
      }
      this.#change(clientMessageId, { state: 'failed', error })
      this.#pending.delete(clientMessageId)
      pending.reject(error)
      return undefined
    }
  }

  /** Whether sending it again may help. */
  #mayPass(error: HallwayError, room: string, pending: Pending): boolean {
    const isPatient = error.code === 'internal' || (error.code === 'not-in-room' && this.#client.isJoined(room))
    if (isPatient) return ++pending.tries < TRIES
    return error.outcome === 'unknown' || ['rate-limited', 'disconnected', 'queue-full'].includes(error.code)
  }

  #change(clientMessageId: string, change: Partial<OutboxEntry>): void {
    this.set(this.value.map((entry) => (entry.clientMessageId === clientMessageId ? { ...entry, ...change } : entry)))
  }

  #remove(clientMessageId: string): void {
    this.#pending.delete(clientMessageId)
    this.set(this.value.filter((entry) => entry.clientMessageId !== clientMessageId))
  }
}

/** 128 random bits. `randomUUID` is there only where the page came over TLS. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
