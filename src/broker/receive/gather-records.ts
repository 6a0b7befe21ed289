import { randomUUID } from 'node:crypto'
import type { OperationOutcomeIssue, Provenance } from 'fhir/r4.js'
import pMap from 'p-map'
import type { AuditParty } from '../../domain/audit/audit-entry.ts'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import {
  copyOfForeign,
  type MergedRecord,
  sourceUri,
  urnOf,
  withSource,
} from '../../domain/merging/merged-copy.ts'
import { provenanceOfSource } from '../../domain/merging/provenance-of-source.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { OwnRecord, OwnRecords } from '../register/own-records.ts'
import type { Deadline, Found, SharedRecords } from './find-shared.ts'
import { alteredNotice, missingNotice, sourceNotice, unverifiedNotice, WITHHELD } from './notices.ts'
import type { RecordOpener } from './open-record.ts'
import type { Person } from './people.ts'

export type GatherQuery = {
  person: Person
  /** The fullUrl of the Patient of the answer. */
  patientUrl: string
  asker: Asker
  clientId: string
  /** Resource types that are wanted; all unless given. */
  types?: ReadonlySet<string>
  /** At most so many records are opened, in a fixed order, beginning behind this one. */
  limit: number
  after?: string
}

export type Gathered = {
  records: (MergedRecord & { sourceName: string })[]
  provenances: Provenance[]
  notices: OperationOutcomeIssue[]
  /** Where to go on; absent where nothing is left. */
  next?: string
}

export type Gatherer = {
  /**
   * What this hospital may see of a person now: its own records, and those that the patient has opened to it elsewhere, each
   * fetched, verified and noted as if it had been asked for alone. Custodians are asked side by side, each with a deadline; what does
   * not arrive, or does not verify, is left out and said so. What a custodian does not hand out leaves no trace (I11).
   * @throws WayleaveError `chain-unavailable`, where nothing can be verified
   */
  gather(query: GatherQuery): Promise<Gathered>
  /**
   * What this hospital itself has of its patient, for the patient: without what is labelled very restricted, which its
   * custodian goes through with the patient in person, if at all.
   */
  ownFor(patient: NonNullable<Person['own']>, page: { limit: number; after?: string }): Promise<Gathered>
}

/** Records of one source fetched at a time. */
const RECORDS_AT_ONCE = 6
const CUSTODIANS_AT_ONCE = 8

type Wanted = { key: string } & ({ own: OwnRecord } | { found: Found; pointer: Found['pointers'][number] })

type Opened = { resource: MergedRecord['resource']; wanted: Wanted }
type OfSource = { party: AuditParty; records: MergedRecord[]; notices: OperationOutcomeIssue[] }

export function createGatherer(deps: {
  shared: SharedRecords
  own: OwnRecords
  opener: RecordOpener
  clock: Clock
  member: Hex
  organization: { name: string; identifier: { system: string; value: string } }
  /** The hospital's own FHIR base, without a trailing slash. */
  fhirBase: string
  deadline: Deadline
}): Gatherer {
  const self: AuditParty = { id: deps.member, ...deps.organization }

  async function openForeign(
    wanted: readonly Extract<Wanted, { found: Found }>[],
    { asker, clientId, types, patientUrl }: GatherQuery,
  ): Promise<OfSource> {
    const [{ found }] = wanted as [Extract<Wanted, { found: Found }>]
    const { custodian, profile } = found
    const name = profile?.name ?? custodian
    const deadline = deps.deadline(custodian)
    let late = false
    let unverified = false
    const opened = await pMap(
      wanted,
      async (one): Promise<Opened | undefined> => {
        // It has not answered before: who waits for the others must not wait for it again.
        if (late) return undefined
        try {
          const { bytes } = await deps.opener.open(one.pointer.recordId, asker, clientId, deadline)
          return { resource: parseStrictJson(bytes) as Opened['resource'], wanted: one }
        } catch (error) {
          const code = errorCodeOf(error)
          if (code === 'peer-unavailable') late = true
          else if (code === 'commitment-mismatch' || code === 'response-invalid') unverified = true
          else if (code !== 'not-available') throw error
          return undefined
        }
      },
      { concurrency: RECORDS_AT_ONCE },
    )
    const there = opened.filter((one) => one !== undefined)
    const names = new Map(
      there.map(({ resource, wanted: of }) => [
        `${resource.resourceType}/${resource.id}`,
        urnOf((of as (typeof wanted)[number]).pointer.recordId),
      ]),
    )
    const records = there
      .filter(({ resource }) => types?.has(resource.resourceType) ?? true)
      .map(({ resource, wanted: of }): MergedRecord => {
        const { recordId, tag, commitment } = (of as (typeof wanted)[number]).pointer
        return {
          resource: copyOfForeign(resource, { recordId, member: custodian, tag, names, patientUrl }),
          fullUrl: urnOf(recordId),
          tag,
          commitment,
        }
      })
    const notices = [
      ...(late ? [missingNotice({ name })] : []),
      ...(unverified ? [unverifiedNotice({ name })] : []),
    ]
    const party = { id: custodian, name, ...(profile ? { identifier: profile.identifier } : {}) }
    return { party, records, notices }
  }

  async function openOwn(wanted: readonly Extract<Wanted, { own: OwnRecord }>[]): Promise<OfSource> {
    let failed = false
    let changed = false
    const opened = await pMap(
      wanted,
      async ({ own }): Promise<MergedRecord | undefined> => {
        if (failed) return undefined
        try {
          const resource = await deps.own.read(own)
          if (resource === 'changed') changed = true
          if (resource === undefined || resource === 'changed') return undefined
          const { tag, commitment, resourceType, id } = own
          const copy = withSource(resource as MergedRecord['resource'], sourceUri(deps.member, tag))
          return { resource: copy, fullUrl: `${deps.fhirBase}/${resourceType}/${id}`, tag, commitment }
        } catch (error) {
          if (errorCodeOf(error) !== 'source-unavailable') throw error
          failed = true
          return undefined
        }
      },
      { concurrency: RECORDS_AT_ONCE },
    )
    return {
      party: self,
      records: opened.filter((record) => record !== undefined),
      notices: [...(failed ? [sourceNotice] : []), ...(changed ? [alteredNotice] : [])],
    }
  }

  /** Everything that may be opened, in an order that does not change from one page to the next. */
  async function wantedOf({ person, asker, types }: GatherQuery) {
    const found = await deps.shared.each(
      { patients: person.identifiers, asker, statuses: ['current'] },
      async (one) => one,
    )
    const isWanted = (type: string | undefined) => !types || type === undefined || types.has(type)
    const own = person.own ? await deps.own.of(person.own.id) : []
    const wanted: Wanted[] = [
      ...own
        .filter(({ resourceType }) => isWanted(resourceType))
        .map((record) => ({ key: keyOf(record), own: record })),
      ...found.flatMap((one) =>
        one.pointers
          .filter(({ pointer }) => isWanted('resourceType' in pointer ? pointer.resourceType : undefined))
          .map((pointer) => ({ key: `1/${one.custodian}/${pointer.recordId}`, found: one, pointer })),
      ),
    ]
    wanted.sort(byKey)
    const missing = found.filter((one) => one.missing)
    return { wanted, missing }
  }

  function gathered(sources: readonly OfSource[], notices: readonly OperationOutcomeIssue[], next?: string) {
    const verifiedAt = new Date(deps.clock.now()).toISOString()
    return {
      records: sources.flatMap(({ party, records }) =>
        records.map((record) => ({ ...record, sourceName: party.name })),
      ),
      provenances: sources.flatMap(({ party, records: [first, ...others] }) =>
        first === undefined
          ? []
          : [
              provenanceOfSource([first, ...others], {
                ...{ id: randomUUID(), custodian: party },
                ...{ assembler: self, verifiedAt },
              }),
            ],
      ),
      notices: [...notices, ...sources.flatMap((source) => source.notices), WITHHELD],
      ...(next === undefined ? {} : { next }),
    }
  }

  return {
    async gather(query) {
      const { wanted, missing } = await wantedOf(query)
      const { page, next } = pageOf(wanted, query)
      const own = page.filter((one) => 'own' in one)
      const foreign = Map.groupBy(
        page.filter((one) => 'found' in one),
        (one) => one.found.custodian,
      )
      const [ownSource, sources] = await Promise.all([
        openOwn(own),
        pMap([...foreign.values()], (some) => openForeign(some, query), { concurrency: CUSTODIANS_AT_ONCE }),
      ])
      const unanswered = missing.map(({ profile, custodian }) =>
        missingNotice({ name: profile?.name ?? custodian }),
      )
      return gathered([ownSource, ...sources], unanswered, next)
    },

    async ownFor(patient, asked) {
      const shown = (await deps.own.of(patient.id)).filter(({ kinds }) => !kinds.includes('V'))
      const wanted = shown.map((own) => ({ key: keyOf(own), own })).sort(byKey)
      const { page, next } = pageOf(wanted, asked)
      return gathered([await openOwn(page)], [], next)
    },
  }
}

const keyOf = ({ resourceType, id }: OwnRecord): string => `0/${resourceType}/${id}`
const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1)

function pageOf<T extends { key: string }>(
  wanted: readonly T[],
  { limit, after }: { limit: number; after?: string },
): { page: T[]; next?: string } {
  const rest = after === undefined ? wanted : wanted.filter(({ key }) => key > after)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return rest.length > page.length && last ? { page, next: last.key } : { page }
}
