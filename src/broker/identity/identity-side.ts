import type { Labeller } from '../../fhir/labeller.ts'
import type { ConsentSide } from '../consent/consent-side.ts'
import type { Core } from '../core.ts'
import type { RegisterSide } from '../register/register-side.ts'
import { createIdentityEvents } from './identity-events.ts'
import type { IdentityWatch } from './identity-watch.ts'
import { createEntryMover } from './move-entries.ts'

/** What those need who may see that somebody's identity is in doubt. */
export type Freezing = { identity: IdentityWatch; afterFreeze: () => void }

export type IdentitySide = ReturnType<typeof createIdentitySide>

/** The records office's half: what is decided about identities, and the moves that follow. */
export function createIdentitySide(
  core: Core,
  { shares }: ConsentSide,
  { source, registration }: RegisterSide,
  { labeller }: { labeller: Labeller },
) {
  const { signing, member, organization } = core
  const own = { id: member, ...organization }
  const refresh = (ids: readonly string[]) => {
    for (const id of ids) shares.refresh(id)
  }
  const mover = createEntryMover({
    ...core,
    own,
    source,
    labeller,
    chain: { id: core.chainId, contracts: core.contracts },
    custodian: member,
    signing: signing.key,
    signingKid: signing.kid,
    afterMove: (ids) => {
      refresh(ids)
      registration.batchSoon()
    },
  })
  const identityEvents = createIdentityEvents({
    ...core,
    own,
    afterDecision: (status, ids) => {
      refresh(ids)
      if (status === 'confirmed') core.lead.ask('move-entries')
    },
  })
  core.lead.on('move-entries', () => void mover.run())
  return { mover, identityEvents }
}
