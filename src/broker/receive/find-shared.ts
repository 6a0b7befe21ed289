import type { Kysely } from 'kysely'
import pMap from 'p-map'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { Share } from '../../exchange/share.ts'
import type { IndexQueries, MemberProfile } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'
import type { CustodianLists } from './ask-custodian.ts'
import type { ReceivedShares } from './receive-share.ts'
import { type SharedPointer, walkPointers } from './walk-pointers.ts'

/** What one custodian shares of a person now. `missing`: it should have been asked, and gave no answer that verifies. */
export type Found = {
  custodian: Hex
  profile: MemberProfile | undefined
  pointers: (SharedPointer & { patient: Identifier })[]
  missing: boolean
}

/** Whose records, for whom. One person may go by several national identifiers. */
export type FindQuery = { patients: readonly Identifier[]; asker: Asker; statuses: readonly string[] }

export type SharedRecords = {
  /**
   * Does `work` for each custodian that shares something, several at a time, each with a deadline of its own, so that none
   * of them waits for another; in the order of the custodians' ids. What was found can be opened from then on.
   */
  each<T>(query: FindQuery, work: (found: Found, deadline: AbortSignal) => Promise<T>): Promise<T[]>
}

/** Ends the waiting for one custodian; made when it is begun with. */
export type Deadline = (custodian: Hex) => AbortSignal

/** How long one custodian may take over all that is asked of it for one answer. Milliseconds. */
const CUSTODIAN_WITHIN = 10_000
export const usualDeadline: Deadline = () => AbortSignal.timeout(CUSTODIAN_WITHIN)

/** Custodians asked at a time. */
const CUSTODIANS_AT_ONCE = 8

export function createSharedRecords(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  shares: ReceivedShares
  lists: CustodianLists
  /** The directory that is read, and those that it took over from: pointers are sealed for one of them. */
  chain: { id: number; directories: readonly Hex[] }
  deadline: Deadline
}): SharedRecords {
  const place = { index: deps.index, chainId: deps.chain.id, directories: deps.chain.directories }

  async function findAt(
    custodian: Hex,
    shares: readonly { id: string; share: Share; patient: Identifier }[],
    { asker, statuses }: FindQuery,
    deadline: AbortSignal,
  ): Promise<Found> {
    const found: Found = {
      custodian,
      profile: await deps.index.profile(custodian),
      pointers: [],
      missing: false,
    }
    const seen = new Set<string>()
    for (const { id, share, patient } of shares) {
      const pointers =
        share.listing === 'custodian'
          ? await deps.lists.ask(share, patient, asker, deadline)
          : await walkPointers(place, share)
      if (pointers === 'missing') {
        found.missing = true
        continue
      }
      const shown = pointers.filter(({ current }) => statuses.includes(current ? 'current' : 'superseded'))
      await remember(deps.db, deps.vault, id, shown)
      for (const pointer of shown) {
        if (seen.has(pointer.recordId)) continue
        seen.add(pointer.recordId)
        found.pointers.push({ ...pointer, patient })
      }
    }
    return found
  }

  return {
    async each(query, work) {
      const all: { id: string; share: Share; patient: Identifier }[] = []
      for (const patient of query.patients)
        for (const one of await deps.shares.forPatient(patient, query.asker.purpose))
          all.push({ ...one, patient })
      const byCustodian = [...Map.groupBy(all, ({ share }) => share.custodian)].sort(([a], [b]) =>
        a < b ? -1 : 1,
      )
      return pMap(
        byCustodian,
        async ([custodian, shares]) => {
          const deadline = deps.deadline(custodian)
          return work(await findAt(custodian, shares, query, deadline), deadline)
        },
        { concurrency: CUSTODIANS_AT_ONCE },
      )
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
