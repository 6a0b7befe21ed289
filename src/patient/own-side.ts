import type { AuditEntry, AuditKind } from '../domain/audit/audit-entry.ts'
import { identifierText } from '../domain/identity/member-id.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import type { OwnCase } from '../domain/portal/cases.ts'
import type { OwnNotices, OwnPreferences } from '../domain/portal/notices.ts'
import type { OwnSession } from './session.ts'

export type HistoryLine = AuditEntry & { sentence: string }

/** Which lines of the history; what is left out does not narrow it. */
export type HistoryWish = {
  /** YYYY-MM-DD in UTC, both included, or FHIR instants. */
  from?: string
  to?: string
  organisation?: Identifier
  outcome?: 'allowed' | 'refused'
  kinds?: readonly AuditKind[]
  /** 50 unless given, at most 500. */
  count?: number
}

/** Newest first. `next` leads to the page behind it, which shows the trail as it was when the first one was made. */
export type HistoryPage = { history: HistoryLine[]; next?: string }

/** What a patient's device asks for beside what is signed. Throws as {@link PatientClient} does. */
export type OwnSide = {
  /** Newest first, at most `count` lines (50 when left out). */
  history(count?: number): Promise<HistoryLine[]>
  /** One page, by what it is searched for, or by `next` of the page before. */
  historyPage(wish: HistoryWish | { next: string }): Promise<HistoryPage>
  /**
   * Says that something looks wrong: at most 2,000 characters, and the entry of the history that it is about.
   * @param key the same for the same wish: pressed twice it is one case; a fresh one where it is left out
   * @throws BrokerRefused `request-invalid`, `audit-event-unknown`, `case-limit`
   */
  openCase(wish: { text: string; about?: string }, key?: string): Promise<OwnCase>
  /** Newest first, with what the hospital answered. */
  cases(): Promise<OwnCase[]>
  /** Takes a case back. @throws BrokerRefused `case-unknown`, `case-closed` */
  withdrawCase(one: { id: string }): Promise<void>
  /** What is new; `before` is `next` of the page before. */
  notices(page?: { before?: string; count?: number }): Promise<OwnNotices>
  /** All up to this one are read. */
  markNoticesRead(upTo: { id: string }): Promise<void>
  preferences(): Promise<OwnPreferences>
  setPreferences(wish: OwnPreferences): Promise<OwnPreferences>
  /** A report about oneself as a file's text, as the hospital words it: docs/audit.md. */
  report(
    name: 'subject-access' | 'disclosures',
    wish: { format: 'json' | 'csv' | 'html'; from?: string; to?: string; zone?: string },
  ): Promise<string>
  /** Ends the session at the hospital; the next request signs in anew. */
  endSession(): Promise<void>
}

export function createOwnSide(session: OwnSession): OwnSide {
  const get = (path: string, query: Record<string, string | undefined> = {}) => {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    )
    return session.request('GET', given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path)
  }

  async function historyPage(wish: HistoryWish | { next: string }): Promise<HistoryPage> {
    if ('next' in wish) return (await get('/patient/history', { before: wish.next })) as HistoryPage
    const { from, to, organisation, outcome, kinds, count = 50 } = wish
    return (await get('/patient/history', {
      ...{ _count: String(count), from, to, outcome },
      organisation: organisation && identifierText(organisation),
      kind: kinds?.join(','),
    })) as HistoryPage
  }

  return {
    history: async (count) => (await historyPage({ ...(count === undefined ? {} : { count }) })).history,
    historyPage,

    openCase: async (wish, key = crypto.randomUUID()) =>
      (await session.request('POST', '/patient/cases', wish, { key })) as OwnCase,
    cases: async () => ((await get('/patient/cases')) as { cases: OwnCase[] }).cases,
    async withdrawCase({ id }) {
      await session.request('POST', `/patient/cases/${id}/withdrawal`)
    },

    notices: async ({ before, count } = {}) =>
      (await get('/patient/notices', {
        before,
        _count: count === undefined ? undefined : String(count),
      })) as OwnNotices,
    async markNoticesRead({ id }) {
      await session.request('POST', '/patient/notices/read', { upTo: id })
    },

    preferences: async () => (await get('/patient/preferences')) as OwnPreferences,
    setPreferences: async (wish) =>
      (await session.request('POST', '/patient/preferences', wish)) as OwnPreferences,

    report: async (name, wish) =>
      (await session.request(
        ...(['GET', `/patient/reports/${name}?${new URLSearchParams(wish)}`, undefined] as const),
        { as: 'text' },
      )) as string,
    endSession: () => session.end(),
  }
}
