import type { ExchangeBooks } from '../audit/exchange-books.ts'
import type { Found, TrailReader } from '../audit/read-trail.ts'
import { type Filter, trailParameters } from './filter.ts'
import { type Line, type Lines, lineOf } from './lines.ts'
import { GAP_AFTER } from './overview.ts'
import type { Named, References } from './references.ts'

export type EventPage = {
  lines: Line[]
  /** Where the next page is. */
  next?: string
  /** What the page is about, where it is about one thing. */
  about?: Named['kind']
}

/** What is to be noted of it: whose lines were asked for, and by what. */
export type Asked = { about: Found['about']; searchedBy: string[] }

export type Events = {
  /** @throws WayleaveError `reference-unknown`, `request-invalid`, `not-ready` */
  page(session: string, filter: Filter, next: string | undefined): Promise<{ page: EventPage; asked: Asked }>
  /**
   * All lines of a filter, without references, which no other session would know.
   * @throws as `page`, before the first line
   */
  all(session: string, filter: Filter): Promise<{ asked: Asked; lines: AsyncGenerator<Line> }>
}

const PAGE = 50
const AT_ONCE = 500
/** The trail is searched by as many names at once. */
const MOST_GAPS = 20

/** Searching the trail as the console does: by filters that name nobody, in pages that stay as they were. */
export function createEvents(deps: {
  trail: Pick<TrailReader, 'search'>
  books: Pick<ExchangeBooks, 'unmatched'>
  lines: Lines
  references: References
}): Events {
  const { trail, references } = deps

  async function search(session: string, filter: Filter, count: number) {
    const of = filter.of === undefined ? undefined : await references.find(session, filter.of)
    const party = filter.with === undefined ? undefined : await references.find(session, filter.with)
    const open = filter.gaps
      ? await deps.books.unmatched({ olderThanMs: GAP_AFTER, limit: MOST_GAPS })
      : undefined
    // Nothing is open: then there is no line to look for, and the trail would be asked for all of them.
    if (open?.length === 0)
      return { of, found: { entries: [], searchedBy: ['gaps'] } satisfies Found as Found }
    const parameters = trailParameters(
      filter,
      { of, with: party },
      open?.map(({ exchange }) => exchange),
    )
    return { of, found: await trail.search({ ...parameters, _count: String(count) }) }
  }

  return {
    async page(session, filter, next) {
      const { of, found } =
        next === undefined
          ? await search(session, filter, PAGE)
          : { of: undefined, found: await trail.search({ _page: next }) }
      const lines = await deps.lines.of(session, found.entries)
      return {
        page: { lines, ...(found.next ? { next: found.next } : {}), ...(of ? { about: of.kind } : {}) },
        asked: { about: found.about, searchedBy: found.searchedBy },
      }
    },

    async all(session, filter) {
      const { found } = await search(session, filter, AT_ONCE)
      return { asked: { about: found.about, searchedBy: found.searchedBy }, lines: onward(found) }
    },
  }

  async function* onward(first: Found): AsyncGenerator<Line> {
    for (let found = first; ; found = await trail.search({ _page: found.next })) {
      yield* found.entries.map(lineOf)
      if (!found.next) return
    }
  }
}
