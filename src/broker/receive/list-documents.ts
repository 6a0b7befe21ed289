import type { DocumentReference } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import { DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import { isSensitiveKind, kindCoding } from '../../domain/consent/sensitivities.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { IndexQueries, MemberProfile } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'
import type { CustodianLists } from './ask-custodian.ts'
import type { ReceivedShares } from './receive-share.ts'
import { type SharedPointer, walkPointers } from './walk-pointers.ts'

/** The chain's commitment to the record, salted; R4's `attachment.hash` is SHA-1 and so of no use. */
const COMMITMENT_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/sha256-commitment'
const DATA_CLASS_SYSTEM = 'https://wayleave.example/fhir/CodeSystem/data-class'

export type Documents = {
  /** DocumentReferences of all that is shared with this hospital about a person for a purpose (IHE MHD, ITI-67). */
  list(query: { patient: Identifier; asker: Asker; statuses: readonly string[] }): Promise<{
    documents: DocumentReference[]
    /** Custodians that should have been asked and gave no answer that verifies. */
    missing: MemberProfile[]
  }>
}

export function createDocuments(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  shares: ReceivedShares
  lists: CustodianLists
  /** The directory that is read, and those that it took over from: pointers are sealed for one of them. */
  chain: { id: number; directories: readonly Hex[] }
  /** This broker's own base, for `attachment.url`. */
  base: () => string
}): Documents {
  return {
    async list({ patient, asker, statuses }) {
      const documents = new Map<string, DocumentReference>()
      const missing = new Map<string, MemberProfile>()
      for (const { id, share } of await deps.shares.forPatient(patient, asker.purpose)) {
        // Who has left the network hands out nothing: what it shared before is not shown as if it did.
        if ((await deps.index.standing(share.custodian)) === 'left') continue
        const profile = await deps.index.profile(share.custodian)
        const place = { index: deps.index, chainId: deps.chain.id, directories: deps.chain.directories }
        const pointers =
          share.listing === 'custodian'
            ? await deps.lists.ask(share, patient, asker)
            : await walkPointers(place, share)
        if (pointers === 'missing') {
          if (profile) missing.set(share.custodian, profile)
          continue
        }
        const shown = pointers.filter(({ current }) => statuses.includes(current ? 'current' : 'superseded'))
        await remember(deps.db, deps.vault, id, shown)
        for (const pointer of shown)
          documents.set(pointer.recordId, document(pointer, patient, profile, deps.base()))
      }
      return { documents: [...documents.values()], missing: [...missing.values()] }
    },
  }
}

/** What the grantee needs to open a record later: kept sealed, since the tag alone says nothing. */
export type ReceivedRecord = {
  tag: `0x${string}`
  resourceType?: string
  id?: string
  salt: string
  dataClass: string
}

async function remember(
  db: Kysely<BrokerTables>,
  vault: Vault,
  shareId: string,
  pointers: SharedPointer[],
): Promise<void> {
  for (let i = 0; i < pointers.length; i += 200) {
    const rows = pointers.slice(i, i + 200).map(({ recordId, tag, pointer, compartment }) => {
      const record: ReceivedRecord = {
        tag,
        salt: Buffer.from(pointer.salt).toString('base64url'),
        dataClass: compartmentOf(compartment).dataClass,
        ...(pointer.kind === 'snapshot' ? { resourceType: pointer.resourceType, id: pointer.id } : {}),
      }
      return { record_id: recordId, share_id: shareId, tag, sealed: sealJson(vault.storeKey, record) }
    })
    await db
      .insertInto('received_records')
      .values(rows)
      .onConflict((oc) => oc.doNothing())
      .execute()
  }
}

function document(
  { recordId, commitment, compartment, pointer, current }: SharedPointer,
  patient: Identifier,
  custodian: MemberProfile | undefined,
  base: string,
): DocumentReference {
  const { dataClass, kinds } = compartmentOf(compartment)
  const labels = kinds.filter(isSensitiveKind).map(kindCoding)
  const type = pointer.kind === 'snapshot' ? pointer.resourceType : undefined
  return {
    resourceType: 'DocumentReference',
    id: recordId,
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${recordId}` },
    status: current ? 'current' : 'superseded',
    ...(type ? { type: { coding: [{ system: 'http://hl7.org/fhir/resource-types', code: type }] } } : {}),
    category: [
      {
        coding: [
          {
            system: DATA_CLASS_SYSTEM,
            code: dataClass,
            ...(isDataClass(dataClass) ? { display: DATA_CLASSES[dataClass].label } : {}),
          },
        ],
      },
    ],
    subject: { identifier: { system: patient.system, value: patient.value } },
    ...(custodian ? { custodian: { identifier: custodian.identifier, display: custodian.name } } : {}),
    ...(labels.length > 0 ? { securityLabel: labels.map((coding) => ({ coding: [coding] })) } : {}),
    content: [
      {
        attachment: {
          contentType: 'application/fhir+json',
          url: `${base}/fhir/Binary/${recordId}`,
          extension: [{ url: COMMITMENT_EXTENSION, valueString: commitment.slice(2) }],
        },
      },
    ],
  }
}
