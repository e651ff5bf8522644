import { useMemo } from 'react'
import type { SendMessage } from '../domain.js'
import { HallwayError } from '../errors.js'
import type { MessageList, MessageView } from '../messages.js'
import type { Sent } from '../outbox.js'
import { useStore } from './stores.js'
import { useRoom } from './use-room.js'

const LOADING: MessageView = { messages: [], pending: [], hasOlder: false, state: 'loading', error: undefined }

/** What can be done with the messages of a room. */
export interface MessageDeeds {
  /** Shown in `pending` at once. Throws `queue-full`, and `closed` before the room is opened. */
  send: (content: string, more?: Omit<SendMessage, 'room' | 'content'>) => Sent
  retry: (clientMessageId: string) => Sent | undefined
  discard: (clientMessageId: string) => void
  edit: (messageId: string, content: string) => Promise<void>
  delete: (messageId: string) => Promise<void>
  react: (messageId: string, reaction: string, on?: boolean) => Promise<void>
  read: (messageId: string) => Promise<void>
  loadOlder: (limit?: number) => Promise<void>
}

/** The messages of a room, those on their way included. */
export function useMessages(name: string | null | undefined): MessageView & MessageDeeds {
  const { room } = useRoom(name)
  const list = room?.messages
  const view = useStore(list?.view, LOADING)
  const deeds = useMemo(() => deedsOf(list), [list])
  return useMemo(() => ({ ...view, ...deeds }), [view, deeds])
}

function deedsOf(list: MessageList | undefined): MessageDeeds {
  const open = () => {
    if (!list) throw new HallwayError('closed', 'the room is not open', 'not-sent')
    return list
  }
  return {
    send: (content, more) => open().send(content, more),
    retry: (clientMessageId) => open().retry(clientMessageId),
    discard: (clientMessageId) => open().discard(clientMessageId),
    edit: async (messageId, content) => open().edit(messageId, content),
    delete: async (messageId) => open().delete(messageId),
    react: async (messageId, reaction, on) => open().react(messageId, reaction, on),
    read: async (messageId) => open().read(messageId),
    loadOlder: async (limit) => open().loadOlder(limit),
  }
}
