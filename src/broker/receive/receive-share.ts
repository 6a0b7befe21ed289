import { randomUUID } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { type ConsentChange, changeOf } from '../../domain/consent/consent-change.ts'
import { covers } from '../../domain/consent/purposes.ts'
import { dayOf } from '../../domain/days.ts'
import type { Hex } from '../../domain/hex.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { shareUrn } from '../../exchange/b2b.ts'
import { openShare, type Share } from '../../exchange/share.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { EventLog } from '../events/event-log.ts'

type Db = Kysely<BrokerTables>

export type ReceivedShares = {
  /**
   * Takes a sealed share. Delivered twice, or late after a newer one, it changes nothing.
   * @throws WayleaveError `share-invalid`.
   */
  receive(jwe: string): Promise<{ share: Share; changed: boolean }>
  /** Shares in force for this person and purpose, newest terms only. */
  forPatient(identifier: Identifier, purpose: string): Promise<{ id: string; share: Share }[]>
  byId(id: string): Promise<Share | undefined>
}

export function createReceivedShares(deps: {
  db: Db
  vault: Vault
  clock: Clock
  own: { member: Hex; key: CryptoKey }
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
  index: Pick<IndexQueries, 'profile'>
  /** Where changes of what others share are told of. */
  events: EventLog
}): ReceivedShares {
  const { db, vault, clock } = deps
  const read = (sealed: Uint8Array) => openJson<Share>(vault.storeKey, sealed)

  return {
    async receive(jwe) {
      const share = await openShare(jwe, deps.own, deps.keysOf)
      const custodian = (await deps.index.profile(share.custodian))?.identifier
      const changed = await db.transaction().execute(async (trx) => {
        const before = await trx
          .selectFrom('shares_received')
          .select(['id', 'sequence', 'sealed'])
          .where('custodian', '=', share.custodian)
          .where('reference', '=', share.reference)
          .forUpdate()
          .executeTakeFirst()
        if (before && before.sequence >= share.sequence) return false
        const id = before?.id ?? randomUUID()
        const { sequence, ended } = share
        const sealed = sealJson(vault.storeKey, share)
        await trx
          .insertInto('shares_received')
          .values({ id, custodian: share.custodian, reference: share.reference, sequence, ended, sealed })
          .onConflict((oc) => oc.column('id').doUpdateSet({ sequence, ended, sealed }))
          .execute()
        const earlier = before && read(before.sealed)
        const change = changeOfShare(earlier, share)
        if (change)
          await deps.events.append(trx, {
            source: ['share', share.custodian, share.reference, sequence].join('/'),
            change,
            side: 'received',
            at: new Date(clock.now()).toISOString(),
            share: shareUrn(share.reference),
            ...(custodian ? { custodian } : {}),
            // One that ends names nobody any more.
            identifiers: ended ? (earlier?.identifiers ?? []) : share.identifiers,
          })
        await trx.deleteFrom('share_identifiers').where('share_id', '=', id).execute()
        const lookups = [
          ...new Set(share.identifiers.map((i) => vault.lookup('shared-identifier', identifierText(i)))),
        ]
        if (lookups.length > 0) {
          await trx
            .insertInto('share_identifiers')
            .values(lookups.map((lookup) => ({ lookup, share_id: id })))
            .execute()
        }
        return true
      })
      return { share, changed }
    },

    async forPatient(identifier, purpose) {
      const rows = await db
        .selectFrom('shares_received')
        .innerJoin('share_identifiers', 'share_identifiers.share_id', 'shares_received.id')
        .select(['shares_received.id', 'sealed'])
        .where('lookup', '=', vault.lookup('shared-identifier', identifierText(identifier)))
        .where('ended', '=', false)
        .orderBy('shares_received.id')
        .execute()
      const today = dayOf(clock.now())
      return rows
        .map(({ id, sealed }) => ({ id, share: read(sealed) }))
        .filter(({ share }) => covers(share.scope.purpose, purpose) !== undefined)
        .filter(({ share }) => share.fromDay <= today && today <= share.untilDay)
    },

    async byId(id) {
      const row = await db
        .selectFrom('shares_received')
        .select('sealed')
        .where('id', '=', id)
        .executeTakeFirst()
      return row && read(row.sealed)
    },
  }
}

/** What a share says that the one before it did not; nothing where only its keys are new. */
function changeOfShare(
  before: Share | undefined,
  { ended, terms, ...share }: Share,
): ConsentChange | undefined {
  const isOpen = before !== undefined && !before.ended
  if (ended) return isOpen ? 'ended' : undefined
  return isOpen ? changeOf({ ...before, ...before.terms }, { ...share, ...terms }) : 'granted'
}
