import type { Bounds } from '../../domain/bounds.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import { createFhirSource } from '../../fhir/source.ts'
import type { ConsentSide } from '../consent/consent-side.ts'
import { openedLines, openingsOf } from '../consent/openings.ts'
import type { Core } from '../core.ts'
import { observedSource } from '../observed.ts'
import { createRegistration } from './registration.ts'

export type RegisterSide = ReturnType<typeof createRegisterSide>

/** The hospital's FHIR server, and what follows it onto the chain. */
export function createRegisterSide(
  core: Core,
  { states, shares }: ConsentSide,
  deps: { fhirBase: string; labeller: Labeller; bounds?: Partial<Bounds> },
) {
  const { config, log, index, member, sender, signing, accessLog, organization } = core
  const source = observedSource(
    createFhirSource({ base: deps.fhirBase, ...(deps.bounds ? { bounds: deps.bounds } : {}) }),
    core.observer,
  )
  const registration = createRegistration({
    ...core,
    source,
    labeller: deps.labeller,
    chain: { id: core.chainId, contracts: core.contracts },
    custodian: member,
    signing: signing.key,
    signingKid: signing.kid,
    onRefused: async (trx, { refused, resourceType, id, versionId }) => {
      log.error({ code: refused, resourceType }, 'a version cannot be committed to and is not registered')
      await accessLog.append(trx, {
        kind: 'alarm',
        outcome: '8',
        reason: 'record-unreadable',
        recordedBy: 'custodian',
        custodian: { id: member, ...organization },
        record: { id: `${resourceType}/${id}/_history/${versionId}`, resourceType },
        note: `Code: ${refused}.`,
      })
    },
    openedNow: async (trx, patient) => {
      const names = await trx
        .selectFrom('compartments')
        .select('compartment')
        .distinct()
        .where('patient_id', '=', patient.id)
        .execute()
      const all = names.map((row) => row.compartment)
      return openedLines(await openingsOf(trx, { states, index, custodian: member }, patient, all))
    },
    batchMs: config.timing.batchMs,
    everyMs: config.timing.feedMs,
    afterBatch: () => void sender.flush(),
  })
  registration.onRegistered((fhirIds) => shares.refreshFhir(fhirIds))
  return { source, registration }
}
