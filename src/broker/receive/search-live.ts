import { createHash } from 'node:crypto'
import type { Bundle, Provenance, Resource } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { commitmentOf } from '../../domain/records/commitment.ts'
import { readContents } from '../../domain/records/contents.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { type LivePage, readLivePage, type SearchRequest } from '../../exchange/live-search.ts'
import type { FetchedSearch, PeerClient } from '../../exchange/peer-client.ts'
import { verifySearch } from '../../exchange/record-signature.ts'
import type { Share } from '../../exchange/share.ts'
import { buildProvenance } from '../../fhir/provenance.ts'
import type { IndexQueries, MemberProfile } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { open, seal, type Vault } from '../../store/vault.ts'
import type { AccessLog, LogEntry } from '../audit/access-log.ts'
import type { ExchangeBooks } from '../audit/exchange-books.ts'
import { partyOf } from '../release/parties.ts'
import { alarmReason, isAlarm } from './open-record.ts'
import type { ReceivedShares } from './receive-share.ts'

export type LiveAsk =
  | { patient: Identifier; custodian: Identifier; type: string; parameters: [string, string][] }
  /** The name of a page that an earlier answer gave. */
  | { page: string; type: string }

export type LiveSearches = {
  /**
   * Asks one custodian for what it has now, page by page; each is verified: the custodian's signature over this very page,
   * each registered version against the chain, and that the Provenance names just what came.
   * @returns a searchset without a total, each version that is not on the chain marked so, with its Provenance; and the name
   * of the next page, where there is one
   * @throws WayleaveError `not-available`, `unsupported-parameter`, `peer-unavailable`; `response-invalid`,
   * `commitment-mismatch`, `address-refused` or `peer-untrusted`, which are alarms
   */
  search(
    ask: LiveAsk,
    asker: Asker,
    clientId: string,
  ): Promise<{ bundle: Bundle; next?: string; exchange: string }>
}

/** How far the custodian's clock may be off. Seconds. */
const CLOCK_SKEW = 60
/** On an entry of a searchset: whether this version stands on the chain, so that it was held against its commitment. */
const REGISTERED_EXTENSION = 'https://wayleave.example/fhir/StructureDefinition/registered'

/** A page of ours: the custodian's name for it, and whose it is to use. */
type OwnPage = { share: string; page: string; type: string; purpose: string; user: string; client: string }

export function createLiveSearches(deps: {
  db: Kysely<BrokerTables>
  vault: Vault
  index: IndexQueries
  shares: ReceivedShares
  peers: PeerClient
  accessLog: AccessLog
  books: ExchangeBooks
  clock: Clock
  log: Logger
  observer: Observer
  member: Hex
}): LiveSearches {
  const { db, index, vault, log } = deps

  function openPage(page: string, asker: Asker, client: string, type: string): OwnPage | undefined {
    try {
      const own = JSON.parse(
        Buffer.from(open(vault.storeKey, Buffer.from(page, 'base64url'))).toString(),
      ) as OwnPage
      const isBound = own.purpose === asker.purpose && own.user === asker.userId && own.client === client
      return isBound && own.type === type ? own : undefined
    } catch {
      return undefined
    }
  }

  async function find(ask: LiveAsk, asker: Asker, client: string) {
    if ('page' in ask) {
      const own = openPage(ask.page, asker, client, ask.type)
      const share = own && (await deps.shares.byId(own.share))
      return own && share && !share.ended
        ? { id: own.share, share, search: { page: own.page } as SearchRequest }
        : undefined
    }
    const custodian = memberId(ask.custodian)
    const { type, parameters } = ask
    const found = (await deps.shares.forPatient(ask.patient, asker.purpose)).find(
      ({ share }) => share.custodian === custodian,
    )
    return found && { ...found, search: { type, parameters } as SearchRequest }
  }

  /** Everything that must hold before a resource goes to the HIS. */
  async function verify(
    { profile, share, type, asker }: { profile: MemberProfile; share: Share; type: string; asker: Asker },
    fetched: FetchedSearch,
  ) {
    const bytes: Hex = `0x${createHash('sha256').update(fetched.bytes).digest('hex')}`
    const { fetch, asked, at } = fetched
    // Not `>`: a time that is no number is none at all.
    if (!(Math.abs(deps.clock.now() / 1000 - at) <= CLOCK_SKEW))
      throw wayleaveError('response-invalid', 'an old answer')
    const statement = { fetch, reference: share.reference, asked, bytes, at }
    await verifySearch(profile.jwks, fetched.responseJws, statement)
    const page = readLivePage(fetched.bytes)
    const commitments = await onChain(share.custodian, page)
    const resources = resourcesOf(page, type)
    for (const { reference, salt, contents } of page.registered) {
      const commitment = commitments.get(reference)
      const resource = resources.get(reference)
      const listed = readContents(contents)
      if (!resource || !listed) throw wayleaveError('response-invalid', 'an entry of nothing')
      // Not in our index yet: it counts as not registered, and is marked so.
      if (commitment === undefined) continue
      const whole = resource as unknown as Record<string, unknown>
      if (commitmentOf(Buffer.from(salt, 'base64url'), whole, listed) !== commitment)
        throw wayleaveError('commitment-mismatch', 'a resource that is not what was registered')
    }
    checkProvenance(page, resources, profile, asker)
    return { page, resources, commitments, bytes, signed: { jws: fetched.responseJws, statement } }
  }

  /** What the chain has under the tags that a page names, by reference. */
  async function onChain(custodian: Hex, { registered }: LivePage): Promise<Map<string, Hex>> {
    const tags = registered.map(({ tag }) => tag as Hex)
    const entries = tags.length > 0 ? await index.pointers(custodian, tags) : new Map()
    return new Map(
      registered.flatMap(({ reference, tag }) => {
        const entry = entries.get(tag as Hex) as { commitment: Hex } | undefined
        return entry ? [[reference, entry.commitment] as const] : []
      }),
    )
  }

  async function alarm(
    entry: Omit<LogEntry, 'kind' | 'outcome'>,
    person: Identifier | undefined,
    error: unknown,
  ) {
    const found = errorCodeOf(error)
    const member = entry.custodian?.id
    log.error(
      { code: found, ...(member ? { member } : {}) },
      'an answer did not verify; nothing is handed on',
    )
    const reason = alarmReason(found)
    await deps.accessLog.append(db, { ...entry, kind: 'alarm', outcome: '12', reason }, person)
    const told = isAlarm(found) || found === 'commitment-mismatch' ? found : 'response-invalid'
    return wayleaveError(told, String(error), error)
  }

  return {
    async search(ask, asker, clientId) {
      const found = await find(ask, asker, clientId)
      const share = found?.share
      const profile = share && (await index.profile(share.custodian))
      const person = share?.identifiers.find((identifier) => checkNationalId(identifier).ok)
      const entry: Omit<LogEntry, 'kind' | 'outcome'> = {
        recordedBy: 'requester',
        requester: await partyOf(index, deps.member),
        ...(share ? { custodian: await partyOf(index, share.custodian) } : {}),
        user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
        client: { id: clientId },
        purpose: asker.purpose,
        ...(person ? { patient: { identifier: person } } : {}),
        note: `A search for ${ask.type}.`,
      }
      if (!found || !share || !profile) {
        await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8', reason: 'record-unknown' })
        throw wayleaveError('not-available', 'nothing is shared')
      }
      let fetched: FetchedSearch
      try {
        fetched = await deps.peers.fetchSearch(profile, share.reference, found.search, asker)
      } catch (error) {
        const code = errorCodeOf(error)
        if (isAlarm(code)) throw await alarm(entry, person, error)
        if (code !== 'unsupported-parameter')
          await deps.accessLog.append(db, { ...entry, kind: 'refusal', outcome: '8' }, person)
        throw error
      }
      const verified = await deps.observer
        .timed('verification search', () => verify({ profile, share, type: ask.type, asker }, fetched))
        .catch(async (error: unknown) => {
          throw await alarm(entry, person, error)
        })
      const { fetch: exchange, at } = fetched
      const { page, resources, commitments, bytes, signed } = verified
      const targets = (page.bundle.entry ?? []).map(({ fullUrl = '' }) => fullUrl)
      const provenance = buildProvenance({
        ...{ id: exchange, targets, at, purpose: asker.purpose, signatures: [signed] },
        recorded: new Date(deps.clock.now()).toISOString(),
        custodian: await partyOf(index, share.custodian),
        verifier: await partyOf(index, deps.member),
        sources: [...commitments.values()].map((commitment) => ({ resourceType: ask.type, commitment })),
      })
      const came = { id: exchange, peer: share.custodian, bytes, responseJws: fetched.responseJws }
      await deps.books.received({ ...came, ...(resources.size > 0 ? { provenance } : {}) }, [
        { ...entry, exchange, kind: 'receipt', outcome: '0' },
        person,
      ])
      const bundle: Bundle = {
        resourceType: 'Bundle',
        type: 'searchset',
        entry: [
          ...(page.bundle.entry ?? []).map(({ fullUrl, resource }) => ({
            extension: [{ url: REGISTERED_EXTENSION, valueBoolean: commitments.has(referenceOf(resource)) }],
            ...(fullUrl ? { fullUrl } : {}),
            ...(resource ? { resource } : {}),
            search: { mode: 'match' as const },
          })),
          ...(resources.size > 0
            ? [
                {
                  fullUrl: `urn:uuid:${exchange}`,
                  resource: provenance,
                  search: { mode: 'include' as const },
                },
              ]
            : []),
        ],
      }
      if (bundle.entry?.length === 0) delete bundle.entry
      if (page.next === undefined) return { bundle, exchange }
      const own: OwnPage = {
        ...{ share: found.id, page: page.next, type: ask.type },
        ...{ purpose: asker.purpose, user: asker.userId, client: clientId },
      }
      const next = Buffer.from(seal(vault.storeKey, Buffer.from(JSON.stringify(own)))).toString('base64url')
      return { bundle, next, exchange }
    },
  }
}

const referenceOf = (resource: Resource | undefined): string => `${resource?.resourceType}/${resource?.id}`

/** @throws WayleaveError `response-invalid` where something of another type came, or something twice */
function resourcesOf({ bundle }: LivePage, type: string): Map<string, Resource> {
  const resources = new Map<string, Resource>()
  for (const { resource, fullUrl } of Array.isArray(bundle.entry) ? bundle.entry : []) {
    const reference = referenceOf(resource)
    const isNamed = typeof fullUrl === 'string' && fullUrl.endsWith(`/${reference}`)
    if (resource?.resourceType !== type || !resource.id || !isNamed || resources.has(reference))
      throw wayleaveError('response-invalid', 'not what was searched for')
    resources.set(reference, resource)
  }
  return resources
}

/** The custodian's own Provenance must be about just these resources, from itself, for this purpose. */
function checkProvenance(
  { provenance, registered }: LivePage,
  resources: ReadonlyMap<string, Resource>,
  { identifier }: MemberProfile,
  { purpose }: Asker,
): void {
  const said: Partial<Provenance> = provenance ?? {}
  const targets = (said.target ?? []).map(({ reference }) => reference)
  const who = said.agent?.[0]?.who?.identifier
  const isItsOwn = who?.system === identifier.system && who.value === identifier.value
  const isForThis = said.reason?.[0]?.coding?.[0]?.code === purpose
  const isComplete = targets.length === resources.size && targets.every((one) => one && resources.has(one))
  const isSourced = (said.entity?.length ?? 0) === registered.length
  if (resources.size === 0 && provenance === undefined) return
  if (!isItsOwn || !isForThis || !isComplete || !isSourced)
    throw wayleaveError('response-invalid', 'a Provenance of something else')
}
