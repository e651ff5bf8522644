// Which client the hooks of a tree use.

import { createContext, createElement, type ReactNode, useContext } from 'react'
import type { HallwayClient } from '../client.js'

const Context = createContext<HallwayClient | undefined>(undefined)

/** Gives the client to everything inside. Who made the client closes it. */
export function HallwayProvider({ client, children }: { client: HallwayClient; children?: ReactNode }): ReactNode {
  return createElement(Context.Provider, { value: client }, children)
}

/** The client of the provider around this component. */
export function useClient(): HallwayClient {
  const client = useContext(Context)
  if (!client) throw new Error('there is no <HallwayProvider> around this component')
  return client
}
