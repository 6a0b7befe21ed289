import type { JsonRpcProvider } from 'ethers'
import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { SlotConsent } from '../../domain/consent/fhir/consent-of-slot.ts'
import type { OwnConsent } from '../../domain/consent/own-consents.ts'
import type { OwnProposal } from '../../domain/consent/own-proposals.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { readOwnConsents } from '../patients/own-consents.ts'
import { consentIdOf, type Proposals } from './proposals.ts'

/** A patient's slots as the FHIR Consents that they are shown as. */
export function createConsentSlots(deps: {
  db: Kysely<BrokerTables>
  provider: JsonRpcProvider
  reader: ConsentReader
  proposals: Proposals
  custodian: Hex
  organization: { name: string; identifier: Identifier }
}) {
  const { db, proposals } = deps
  return {
    /** Every slot that was ever filed or signed for: what the chain says of it, and what waits for a signature. */
    async of(patient: StoredPatient): Promise<SlotConsent[]> {
      const own = await readOwnConsents(db, deps, patient)
      const filed = await proposals.of(db, patient)
      const known = {
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
        custodian: deps.organization,
      }
      const onChain = own.consents
        .filter(({ version }) => version > 0)
        .map((consent) => ({ ...known, ...slotOnChain(consent), ...pendingIn(filed, consent) }))
      const waiting = filed
        .filter(
          ({ effect, id }) => effect !== 'end' && !onChain.some((s) => s.id === id && s.state === 'in-force'),
        )
        .map((proposal) => ({ ...known, ...slotFiled(proposal) }))
      return [...onChain.filter(({ id }) => !waiting.some((w) => w.id === id)), ...waiting]
    },
  }
}

export type ConsentSlots = ReturnType<typeof createConsentSlots>

function slotOnChain({ scopeHash, scope, state, from, until, terms, body }: OwnConsent) {
  return {
    id: consentIdOf(scopeHash),
    state: state === 'silent' ? ('ended' as const) : ('in-force' as const),
    scope,
    effect: state === 'objection' ? ('deny' as const) : ('permit' as const),
    ...(terms ? { terms } : {}),
    ...(body ? { body } : {}),
    ...(from ? { from } : {}),
    ...(until ? { until } : {}),
  }
}

function pendingIn(filed: OwnProposal[], { scopeHash, state }: OwnConsent): Pick<SlotConsent, 'pending'> {
  const waiting = filed.find(({ id }) => id === consentIdOf(scopeHash))
  if (!waiting || state === 'silent') return {}
  return { pending: waiting.effect === 'end' ? 'end' : 'change' }
}

function slotFiled({ id, wish }: OwnProposal) {
  const { effect, to, purpose, dataClasses, sensitivities, from, until, body } = wish
  return {
    ...{
      id,
      effect,
      state: 'filed' as const,
      scope: { ...to, purpose },
      terms: { dataClasses, sensitivities },
    },
    ...(body ? { body } : {}),
    ...(from ? { from } : {}),
    ...(until ? { until } : {}),
  }
}
