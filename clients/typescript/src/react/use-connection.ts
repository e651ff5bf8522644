import type { ConnectionStatus } from '../session.js'
import { useClient } from './context.js'
import { useStore } from './stores.js'

/** How the connection is. */
export function useConnection(): ConnectionStatus {
  const { connection } = useClient()
  return useStore(connection, connection.value)
}
