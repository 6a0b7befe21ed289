import type { JWK } from 'jose'
import { createContext, type ReactNode, use, useEffect, useState } from 'react'
import type { ActPlace } from '../../domain/consent/read-signed-act.ts'
import type { Hex } from '../../domain/hex.ts'

/** One organisation of the network, as it publishes itself. */
export type Member = {
  id: Hex
  name: string
  identifier: { system: string; value: string }
  /** Base URL of its broker. */
  broker: string
  /** Whether it keeps records, so that a patient can be at home there. */
  custodian: boolean
  jwks: { keys: JWK[] }
}

/** `network.json`, which lies beside the portal's files: where the chain's contracts are, and who takes part. */
export type Network = {
  chain: ActPlace
  members: Member[]
  groups: string[]
  /** Whether everything is for trying; then messages to telephones can be seen at `/sandbox/messages`. */
  sandbox?: boolean
}

const NetworkContext = createContext<Network | undefined>(undefined)

export function useNetwork(): Network {
  const network = use(NetworkContext)
  if (!network) throw new Error('No network is known here')
  return network
}

export function useMember(id: Hex): Member | undefined {
  return useNetwork().members.find((member) => member.id === id)
}

/** Reads it once; without it there is nothing to show. */
export function NetworkProvider({ children }: { children: ReactNode }) {
  const [network, setNetwork] = useState<Network>()
  const [failed, setFailed] = useState<Error>()
  useEffect(() => {
    fetch('/network.json', { credentials: 'omit', redirect: 'error' })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`network.json: ${answer.status}`)
        setNetwork((await answer.json()) as Network)
      })
      .catch(setFailed)
  }, [])
  if (failed) throw failed
  if (!network) return null
  return <NetworkContext value={network}>{children}</NetworkContext>
}
