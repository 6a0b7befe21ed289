import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { errorCodeOf, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { compartmentName } from '../../domain/records/compartments.ts'
import { recordId } from '../../domain/records/record-id.ts'
import type { Asker } from '../../exchange/b2b.ts'
import type { FetchedList, PeerClient } from '../../exchange/peer-client.ts'
import { type ListedRecord, readRecordList } from '../../exchange/record-list.ts'
import { verifyList } from '../../exchange/record-signature.ts'
import type { Share } from '../../exchange/share.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { Observer } from '../../observe/observer.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'
import { alarmReason, isAlarm } from './open-record.ts'
import type { SharedPointer } from './walk-pointers.ts'

export type CustodianLists = {
  /**
   * What a custodian lists of a share that opens records one by one, each held against the chain's commitment. What the
   * chain does not have yet is left for the next time. `missing` where the custodian did not answer, or answered what
   * does not verify: then the list says nothing of it.
   */
  ask(
    share: Share,
    person: Identifier,
    asker: Asker,
    deadline: AbortSignal,
  ): Promise<SharedPointer[] | 'missing'>
}

/** How far the custodian's clock may be off. Seconds. */
const CLOCK_SKEW = 60
/** Tags looked up in one query. */
const STEP = 500

export function createCustodianLists(deps: {
  db: Kysely<BrokerTables>
  index: IndexQueries
  peers: PeerClient
  accessLog: AccessLog
  clock: Clock
  log: Logger
  observer: Observer
  member: Hex
}): CustodianLists {
  const { index, log } = deps

  async function verified(share: Share, fetched: FetchedList): Promise<ListedRecord[]> {
    const profile = await index.profile(share.custodian)
    if (!profile) throw wayleaveError('response-invalid', 'an unknown custodian')
    // Not `>`: a time that is no number is none at all.
    if (!(Math.abs(deps.clock.now() / 1000 - fetched.at) <= CLOCK_SKEW))
      throw wayleaveError('response-invalid', 'an old answer')
    const bytes: Hex = `0x${createHash('sha256').update(fetched.bytes).digest('hex')}`
    const { fetch, at } = fetched
    await verifyList(profile.jwks, fetched.responseJws, { fetch, reference: share.reference, bytes, at })
    return readRecordList(fetched.bytes)
  }

  /** Each record with the commitment that the chain has of it. */
  async function onChain(custodian: Hex, records: ListedRecord[]): Promise<SharedPointer[]> {
    const pointers: SharedPointer[] = []
    for (let i = 0; i < records.length; i += STEP) {
      const batch = records.slice(i, i + STEP)
      const entries = await index.pointers(
        custodian,
        batch.map(({ tag }) => tag as Hex),
      )
      for (const { tag, commitment, salt, resourceType, id, versionId, dataClass, kinds, current } of batch) {
        const entry = entries.get(tag as Hex)
        if (!entry) continue
        if (entry.commitment !== commitment) throw wayleaveError('commitment-mismatch', 'another commitment')
        pointers.push({
          ...{ recordId: recordId(custodian, tag as Hex), tag: tag as Hex, commitment: entry.commitment },
          compartment: compartmentName({ dataClass, kinds }),
          pointer: { kind: 'snapshot', resourceType, id, versionId, salt: Buffer.from(salt, 'base64url') },
          current,
        })
      }
    }
    return pointers
  }

  async function alarm(share: Share, person: Identifier, asker: Asker, error: unknown): Promise<void> {
    log.error(
      { code: errorCodeOf(error), member: share.custodian },
      'a list did not verify; none of it is shown',
    )
    await deps.accessLog.append(
      deps.db,
      {
        kind: 'alarm',
        outcome: '12',
        reason: alarmReason(errorCodeOf(error)),
        recordedBy: 'requester',
        custodian: await partyOf(index, share.custodian),
        requester: await partyOf(index, deps.member),
        user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
        purpose: asker.purpose,
        patient: { identifier: person },
      },
      person,
    )
  }

  return {
    async ask(share, person, asker, deadline) {
      const peer = await index.profile(share.custodian)
      if (!peer) return 'missing'
      let fetched: FetchedList
      try {
        fetched = await deps.peers.fetchList(peer, share.reference, asker, deadline)
      } catch (error) {
        // Nothing to be had, or nothing any more: the share's end is on its way.
        if (errorCodeOf(error) === 'not-available') return []
        if (isAlarm(errorCodeOf(error))) await alarm(share, person, asker, error)
        else log.warn({ code: errorCodeOf(error), member: share.custodian }, 'a custodian did not list')
        return 'missing'
      }
      try {
        return await deps.observer.timed('verification list', async () =>
          onChain(share.custodian, await verified(share, fetched)),
        )
      } catch (error) {
        await alarm(share, person, asker, error)
        return 'missing'
      }
    },
  }
}
