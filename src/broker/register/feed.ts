import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import type { FhirChange, HistoryPage } from '../../fhir/source.ts'
import type { Logger } from '../../observe/log.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { prepareChanges, type RegisterDeps, registerChanges } from './register-changes.ts'
import { createWholeRecords } from './whole-records.ts'

type Gap = Selectable<BrokerTables['feed_gaps']>

/** How far a stretch of history is read that did not fit one page. */
export type Backlog = {
  /** Versions read, and in all as the FHIR server counts them. */
  read: number
  inAll: number | null
  perSecond: number
  secondsLeft: number | null
}

export type Feed = {
  /** Reads and registers what is new: one page; what does not fit it is left as a gap. */
  readNews(): Promise<void>
  /** Reads one page of the oldest gap. @returns whether there is more. */
  readGap(): Promise<boolean>
  /** Everything from the beginning is a gap again: what is registered is passed over. */
  readAllAgain(): Promise<void>
  /** Registers these, each record with what is in front of it. */
  take(changes: readonly FhirChange[]): Promise<number>
  backlog(): Promise<Backlog | null>
}

/** Changes in one database transaction, about. */
const CHUNK = 250

/**
 * How far behind the newest instant seen each reading begins. A FHIR server gives a version its instant before it commits it, so
 * one may come to light after a younger one was read. Milliseconds.
 */
const NEAR = 5_000
/** How often a reading begins as far back as the longest transaction of the FHIR server may take. Milliseconds. */
const FAR_EVERY = 60_000

/** A backlog that is worth a line in the log, and how often. */
const LARGE = 2_000
const TELL_EVERY = 10_000

/**
 * Reads the FHIR server's history page by page, the newest versions first, and never more than a page at once. How far it
 * is read is stored with the entries: a broker that was killed goes on where it was.
 */
export function createFeed(
  deps: RegisterDeps & {
    db: Kysely<BrokerTables>
    log: Logger
    /** How long a transaction of the FHIR server may take. Milliseconds. */
    overlapMs: number
    onRegistered: (fhirIds: readonly string[]) => void
    /** Called after each transaction, whatever was in it. */
    afterChunk: () => void
  },
): Feed {
  const { db, log, clock, source } = deps
  const whole = createWholeRecords(deps)
  /** When the last reading with the long overlap was: by the monotonic clock, and by the other. */
  const lastFar = { monotonic: Number.NEGATIVE_INFINITY, at: 0 }
  /** Links of the gap that is read, lest a server lead in a circle. */
  const links = new Set<string>()
  let speed: { gap: number; since: number; read: number } | undefined
  let told = 0

  /** `and` joins the transaction of the last entries; it is told how many versions had not been taken before. */
  async function take(
    changes: readonly FhirChange[],
    and: (trx: Kysely<BrokerTables>, fresh: number) => Promise<void> = async () => {},
  ): Promise<number> {
    const { groups, fresh } = await whole.of(db, changes)
    const chunks = inChunks(groups)
    let registered = 0
    for (const [i, chunk] of chunks.entries()) {
      const prepared = await prepareChanges(db, deps, chunk)
      const count = await db.transaction().execute(async (trx) => {
        const written = await registerChanges(trx, deps, chunk, prepared)
        if (i === chunks.length - 1) await and(trx, fresh)
        return written
      })
      deps.afterChunk()
      registered += count
      if (count > 0) deps.onRegistered([...prepared.opened.keys()])
    }
    if (fresh > 0) await whole.taken(db, groups)
    return registered
  }

  async function readNews(): Promise<void> {
    const place = await placeOf('fhir')
    const farPlace = await placeOf('fhir-far')
    const far = await isFarDue(place, farPlace)
    // From where the last one was, however long ago: nothing between the two must be read only while it was young.
    const from = far ? (farPlace ?? place) : place
    const since = from && before(from, far ? Math.max(deps.overlapMs, NEAR) : NEAR)
    const page = await source.historyPage(since === undefined ? {} : { since })
    if (!page) return
    const until = newest(place, page, clock)
    const now = clock.now()
    await take(page.changes, async (trx, fresh) => {
      if (until !== undefined) {
        await setPlace(trx, 'fhir', until)
        if (far) await setPlace(trx, 'fhir-far', until)
      }
      // What was read before is read again only as far as a page reaches, save by the long overlap.
      if (page.next !== undefined && (far || isCutShort(page, place, fresh)))
        await addGap(trx, since ?? null, page)
    })
    if (far) Object.assign(lastFar, { monotonic: clock.monotonic(), at: now })
  }

  async function isFarDue(place: string | undefined, farPlace: string | undefined): Promise<boolean> {
    if (clock.monotonic() - lastFar.monotonic < FAR_EVERY) return false
    // Where nothing has come since, and the longest transaction must have ended before the last one, nothing can.
    const quiet = place !== undefined && place === farPlace
    if (quiet && lastFar.at > Date.parse(place) + deps.overlapMs) return false
    // Not while a gap is open: where a minute's versions do not fit a page, gaps would come faster than they are closed.
    return !(await oldestGap())
  }

  type Place = 'fhir' | 'fhir-far'

  const placeOf = async (name: Place) =>
    (await db.selectFrom('feed').select('since').where('name', '=', name).executeTakeFirst())?.since

  async function setPlace(trx: Kysely<BrokerTables>, name: Place, since: string): Promise<void> {
    await trx
      .insertInto('feed')
      .values({ name, since })
      .onConflict((oc) => oc.column('name').doUpdateSet({ since }))
      .execute()
  }

  async function addGap(trx: Kysely<BrokerTables>, since: string | null, page?: HistoryPage): Promise<void> {
    await trx
      .insertInto('feed_gaps')
      .values({
        since,
        next: page?.next ?? null,
        versions_read: page?.changes.length ?? 0,
        versions_in_all: page?.total ?? null,
        begun_at: new Date(clock.now()).toISOString(),
      })
      .execute()
  }

  const oldestGap = () => db.selectFrom('feed_gaps').selectAll().orderBy('id').limit(1).executeTakeFirst()

  async function readGap(): Promise<boolean> {
    const gap = await oldestGap()
    if (!gap) return false
    if (speed?.gap !== gap.id) {
      speed = { gap: gap.id, since: clock.monotonic(), read: gap.versions_read }
      links.clear()
    }
    const page = await pageOf(gap)
    if (!page) {
      await setGap(db, gap, { next: null, versions_read: 0 })
      return true
    }
    const read = gap.versions_read + page.changes.length
    await take(await asOfNow(page.changes), async (trx) => {
      if (page.next === undefined) await trx.deleteFrom('feed_gaps').where('id', '=', gap.id).execute()
      else
        await setGap(trx, gap, {
          next: page.next,
          versions_read: read,
          ...(page.total === undefined ? {} : { versions_in_all: page.total }),
        })
    })
    tell(await backlog(), page.next === undefined ? read : undefined)
    return page.next !== undefined || (await oldestGap()) !== undefined
  }

  /** Undefined where the link leads nowhere any more: the gap begins again. */
  async function pageOf(gap: Gap): Promise<HistoryPage | undefined> {
    if (gap.next === null) {
      links.clear()
      return source.historyPage(gap.since === null ? {} : { since: gap.since })
    }
    const circle = links.has(gap.next)
    links.add(gap.next)
    try {
      if (circle) log.warn({}, 'the history of the FHIR server leads in a circle; it is read anew')
      else return await source.historyPage({ next: gap.next })
    } catch (error) {
      // The link may be what fails, as after the server has moved: next time without it.
      await setGap(db, gap, { next: null, versions_read: 0 })
      throw error
    }
    await setGap(db, gap, { next: null, versions_read: 0 })
    throw new Error('history does not end')
  }

  const setGap = (
    trx: Kysely<BrokerTables>,
    { id }: Gap,
    values: { next: string | null; versions_read: number; versions_in_all?: number },
  ) => trx.updateTable('feed_gaps').set(values).where('id', '=', id).execute()

  /** Old versions of a Patient say nothing of who it is now: in their place stands the Patient as it is, where it is known. */
  async function asOfNow(changes: readonly FhirChange[]): Promise<FhirChange[]> {
    const ids = new Set(changes.flatMap((c) => (c.resourceType === 'Patient' ? [c.id] : [])))
    const people: FhirChange[] = []
    for (const id of ids) {
      const resource = (await deps.patients.byFhirId(db, id)) && (await source.readPatient(id))
      if (!resource?.id) continue
      const { versionId = '', lastUpdated = '' } = resource.meta ?? {}
      const same = resource as unknown as NonNullable<FhirChange['resource']>
      people.push({ resourceType: 'Patient', id, versionId, lastUpdated, resource: same })
    }
    return [...people, ...changes.filter((c) => c.resourceType !== 'Patient' || c.refused)]
  }

  async function backlog(): Promise<Backlog | null> {
    const gap = await oldestGap()
    if (!gap) return null
    const { versions_read: read, versions_in_all: inAll } = gap
    const seconds = speed?.gap === gap.id ? (clock.monotonic() - speed.since) / 1_000 : 0
    const perSecond = seconds > 0 ? Math.max(0, read - (speed?.read ?? 0)) / seconds : 0
    const left = inAll === null ? null : Math.max(0, inAll - read)
    return {
      read,
      inAll,
      perSecond: Math.round(perSecond),
      secondsLeft: left === null || perSecond === 0 ? null : Math.round(left / perSecond),
    }
  }

  function tell(state: Backlog | null, ended?: number): void {
    if (ended !== undefined && ended >= LARGE) log.info({ versions: ended }, 'the history has been read')
    if (!state || (state.inAll ?? state.read) < LARGE || clock.monotonic() - told < TELL_EVERY) return
    told = clock.monotonic()
    log.info(state, 'the history is being read')
  }

  return {
    readNews,
    readGap,
    async readAllAgain() {
      whole.forget()
      await addGap(db, null)
    },
    take: (changes) => take(changes),
    backlog,
  }
}

/** Groups stay together, since their order counts; there is always one chunk, so that the place is stored. */
function inChunks(groups: readonly (readonly FhirChange[])[]): FhirChange[][] {
  const chunks: FhirChange[][] = [[]]
  for (const group of groups) {
    if ((chunks.at(-1)?.length ?? 0) >= CHUNK) chunks.push([])
    chunks.at(-1)?.push(...group)
  }
  return chunks
}

/** Whether a page with news does not reach back to what was read before it. */
function isCutShort({ changes }: HistoryPage, place: string | undefined, fresh: number): boolean {
  if (place === undefined) return true
  const isNew = ({ lastUpdated }: FhirChange) => !(Date.parse(lastUpdated) <= Date.parse(place))
  const [oldest] = changes
  const reachesBack = oldest !== undefined && Date.parse(oldest.lastUpdated) < Date.parse(place)
  return !reachesBack && (fresh > 0 || changes.some(isNew))
}

const before = (instant: string, ms: number) => new Date(Date.parse(instant) - ms).toISOString()

/** Never later than now: one version dated next year must not hide all that follows it until then. Never back. */
function newest(place: string | undefined, { changes }: HistoryPage, clock: Clock): string | undefined {
  const last = Math.max(
    ...changes.map(({ lastUpdated }) => Date.parse(lastUpdated)).filter((ms) => !Number.isNaN(ms)),
    place === undefined ? Number.NEGATIVE_INFINITY : Date.parse(place),
  )
  return Number.isFinite(last) ? new Date(Math.min(last, clock.now())).toISOString() : undefined
}
