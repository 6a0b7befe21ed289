import type { Kysely } from 'kysely'
import type { Hex } from '../../domain/hex.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { SentRequests } from '../requests/sent-requests.ts'

/**
 * Takes back what waits for other members under a key that this member publishes no more, since nobody would believe it, and
 * has it said anew under the present one: shares and their ends by the share keeper, requests for access here. Called at each
 * start, before anything is delivered; receivers bear what they have had already.
 * @param published the kids of the keys that are published from this start on
 * @returns how many messages
 */
export async function sayAnew(deps: {
  db: Kysely<BrokerTables>
  published: readonly string[]
  sentRequests: Pick<SentRequests, 'sendAnew'>
}): Promise<number> {
  return deps.db.transaction().execute(async (trx) => {
    const stale = await trx
      .selectFrom('exchange_outbox')
      .select(['id', 'member', 'path'])
      .where('delivered_at', 'is', null)
      .where('signed_by', 'is not', null)
      .where('signed_by', 'not in', deps.published)
      .execute()
    const membersAt = (path: string) => [
      ...new Set(stale.filter((row) => row.path === path).map(({ member }) => member as Hex)),
    ]
    const shares = membersAt('/exchange/share')
    if (shares.length > 0)
      await trx.updateTable('shares_sent').set({ digest: '' }).where('grantee', 'in', shares).execute()
    const unsendable = new Set<string>()
    for (const custodian of membersAt('/exchange/request'))
      if (!(await deps.sentRequests.sendAnew(trx, custodian))) unsendable.add(custodian)
    const done = stale.filter(({ path, member }) => path === '/exchange/share' || !unsendable.has(member))
    if (done.length > 0)
      await trx
        .deleteFrom('exchange_outbox')
        .where(
          'id',
          'in',
          done.map(({ id }) => id),
        )
        .execute()
    return done.length
  })
}
