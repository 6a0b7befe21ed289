import type { Kysely } from 'kysely'
import type { Hex } from '../../domain/hex.ts'
import type { IndexQueries, MemberRecord } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { ExchangeBooks, Unmatched } from '../audit/exchange-books.ts'
import type { Checkpoints } from '../evidence/checkpoints.ts'
import { GAP_AFTER } from './overview.ts'
import type { References } from './references.ts'

/** The bits of a member's roles, as MemberTypes.sol numbers them. */
const ROLES = [
  [1, 'custodian'],
  [2, 'requester'],
  [4, 'registrar'],
  [8, 'relayer'],
  [16, 'auditor'],
  [32, 'emergency'],
] as const

export type ListedMember = {
  /** By which this session names it in a search; none where it has published nothing that can be believed. */
  reference?: string
  name: string
  self: boolean
  status: MemberRecord['status']
  generation: number
  roles: string[]
  endpoint?: string
  /** Its newest checkpoint that is known here, and how it compares with this hospital's own chain. */
  checkpoint?: { block: number; verdict: 'own' | 'rewritten' | 'agrees' | 'other-view' | 'split' }
  /** Messages to it that wait: shares, requests, acts. */
  waiting: number
  /** Exchanges with it that are older than a minute, by why they do not match. */
  unmatched: Record<Unmatched['why'], number>
}

const MOST = 1_000

/** Who takes part, and how it stands between each of them and this hospital. */
export function createMembers(deps: {
  db: Kysely<BrokerTables>
  index: IndexQueries
  checkpoints: Pick<Checkpoints, 'newest'>
  books: Pick<ExchangeBooks, 'unmatched'>
  references: References
  member: Hex
}): (session: string) => Promise<ListedMember[]> {
  const { db, index } = deps
  return async (session) => {
    const [ids, newest] = [await index.members(), await deps.checkpoints.newest()]
    const open = await deps.books.unmatched({ olderThanMs: GAP_AFTER, limit: MOST })
    const waiting = await db
      .selectFrom('exchange_outbox')
      .select(['member', ({ fn }) => fn.countAll().as('count')])
      .where('delivered_at', 'is', null)
      .groupBy('member')
      .execute()
    return Promise.all(
      ids.map(async (id) => {
        const { status, generation, roles } = await index.memberRecord(id)
        const profile = await index.profile(id)
        const checkpoint = newest.get(id)
        const [reference] = profile
          ? await deps.references.name(session, [{ kind: 'organisation', identifier: profile.identifier }])
          : []
        const unmatched = (why: Unmatched['why']) =>
          open.filter((one) => one.peer === id && one.why === why).length
        return {
          ...(reference ? { reference } : {}),
          ...{ name: profile?.name ?? id, self: id === deps.member, status, generation },
          roles: ROLES.filter(([bit]) => roles & bit).map(([, role]) => role),
          ...(profile ? { endpoint: profile.endpoint } : {}),
          ...(checkpoint ? { checkpoint } : {}),
          waiting: Number(waiting.find((row) => row.member === id)?.count ?? 0),
          unmatched: {
            'no-receipt': unmatched('no-receipt'),
            waiting: unmatched('waiting'),
            'not-in-their-books': unmatched('not-in-their-books'),
          },
        }
      }),
    )
  }
}
