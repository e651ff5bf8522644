// `@hallway/client/react`: hooks that clean up after themselves.

export { HallwayProvider, useClient } from './context.js'
export { useConnection } from './use-connection.js'
export { type MessageDeeds, useMessages } from './use-messages.js'
export { usePresence } from './use-presence.js'
export { type RoomHandlers, type UsedRoom, useListen, useRoom } from './use-room.js'
export { useTyping } from './use-typing.js'
