import type { Bounds } from '../../domain/bounds.ts'
import { createContentSource } from '../../fhir/content-source.ts'
import type { Labeller } from '../../fhir/labeller.ts'
import { createSearchSource } from '../../fhir/search-source.ts'
import { createFhirSource } from '../../fhir/source.ts'
import { createFhirWriter } from '../../fhir/writer.ts'
import type { ConsentSide } from '../consent/consent-side.ts'
import { openedLines, openingsOf } from '../consent/openings.ts'
import type { Core } from '../core.ts'
import type { Freezing } from '../identity/identity-side.ts'
import { observedContents, observedSearches, observedSource, observedWriter } from '../observed.ts'
import { createOwnRecords } from './own-records.ts'
import { createReconciler } from './reconcile/reconciler.ts'
import { createRegistration } from './registration.ts'

export type RegisterSide = ReturnType<typeof createRegisterSide>

/** Rounds of entries, unless the configuration says otherwise: see docs/decisions/0030-padded-rounds.md. Milliseconds. */
const ROUND = 60_000
const PADDED = { sizes: [16, 64, 200], quietRounds: true }

/** How long a transaction of the FHIR server may take, unless the configuration says otherwise. Milliseconds. */
const OVERLAP = 600_000

/** The hospital's FHIR server, and what follows it onto the chain. */
export function createRegisterSide(
  core: Core,
  { states, shares }: ConsentSide,
  deps: { fhirBase: string; labeller: Labeller; bounds?: Partial<Bounds> } & Freezing,
) {
  const { config, log, index, member, sender, signing, accessLog, organization } = core
  const at = { base: deps.fhirBase, ...(deps.bounds ? { bounds: deps.bounds } : {}) }
  const source = observedSource(createFhirSource(at), core.observer)
  const contents = observedContents(createContentSource(at), core.observer)
  const searches = observedSearches(createSearchSource(at), core.observer)
  const writer = observedWriter(createFhirWriter(at), core.observer)
  const registration = createRegistration({
    ...core,
    source,
    contents,
    labeller: deps.labeller,
    chain: { id: core.chainId, contracts: core.contracts },
    custodian: member,
    signing: signing.key,
    signingKid: signing.kid,
    identity: deps.identity,
    afterChunk: deps.afterFreeze,
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
    batchMs: config.timing.batchMs ?? ROUND,
    padding: config.batches ?? PADDED,
    everyMs: config.timing.feedMs,
    overlapMs: config.timing.overlapMs ?? OVERLAP,
    afterBatch: () => void sender.flush(),
  })
  registration.onRegistered((fhirIds) => shares.refreshFhir(fhirIds))
  const reconciler = createReconciler({
    ...{ ...core, source, registration },
    deployedAt: config.chain.deployedAt,
  })
  const ownRecords = createOwnRecords({ ...core, source })
  return { source, contents, searches, writer, registration, reconciler, ownRecords }
}
