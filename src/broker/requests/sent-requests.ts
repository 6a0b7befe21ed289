import { randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import type { Kysely } from 'kysely'
import { AccessRequests__factory, type Contracts } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { Clock } from '../../domain/clock.ts'
import {
  type AccessRequest,
  MAX_WAIT_DAYS,
  requestCommitment,
  requestDeadline,
  requestInner,
} from '../../domain/consent/access-request.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, toHex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { sealAccessRequest } from '../../exchange/access-request.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { enqueueMessage } from '../../exchange/outbox.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import { partyOf } from '../release/parties.ts'

type Db = Kysely<BrokerTables>

/** What a HIS wants a patient to be asked for. */
export type RequestWish = Pick<
  AccessRequest,
  'patient' | 'dataClasses' | 'sensitivities' | 'from' | 'until' | 'reason'
> & {
  /** The organisation that the patient has named. */
  custodian: Identifier
  /** Whole days that the patient has to answer, 1 to 29. */
  days: number
}

/** A request that this member sent, and what the chain shows of it: never how it ended. */
export type SentRequest = {
  commitment: Hex
  request: AccessRequest
  custodian: Identifier
  askedAt: string
  status: 'sending' | 'open' | 'closed' | 'lapsed'
}

export type SentRequests = {
  /**
   * Opens the request on the chain and sends it, sealed, to its custodian. Both are stored before it returns.
   * @throws WayleaveError `member-unknown` where the custodian is none or publishes no key; `request-invalid`
   */
  ask(wish: RequestWish, asker: Asker, clientId: string): Promise<SentRequest>
  /** Seals and sends what a custodian was asked and may answer still, once more. False where it cannot be sealed to it now. */
  sendAnew(trx: Db, custodian: Hex): Promise<boolean>
  /** @throws WayleaveError `task-unknown` */
  byId(commitment: string): Promise<SentRequest>
}

const calls = AccessRequests__factory.createInterface()

type Kept = { request: AccessRequest; custodian: Identifier; userId: string }

export function createSentRequests(deps: {
  db: Db
  vault: Vault
  clock: Clock
  index: IndexQueries
  contracts: Contracts
  accessLog: AccessLog
  member: Hex
  signing: { key: CryptoKey; kid: string }
  afterSend: () => void
}): SentRequests {
  const { db, vault, clock, index, member } = deps

  async function sealingKeyOf(custodian: Hex): Promise<JWK> {
    const profile = (await index.standing(custodian)) === 'left' ? undefined : await index.profile(custodian)
    const key = profile?.jwks.keys.find((one) => one.use === 'enc') as JWK | undefined
    if (!key) throw wayleaveError('member-unknown')
    return key
  }

  async function messageOf(request: AccessRequest, custodian: Hex, key: JWK) {
    const body = await sealAccessRequest(request, deps.signing, key)
    return { member: custodian, path: '/exchange/request', body, signed_by: deps.signing.kid }
  }

  return {
    async ask(wish, asker, clientId) {
      const custodian = memberId(wish.custodian)
      if (custodian === member) throw wayleaveError('request-invalid', 'a request to oneself')
      if (!Number.isInteger(wish.days) || wish.days < 1 || wish.days > MAX_WAIT_DAYS)
        throw wayleaveError('request-invalid', 'restriction.period')
      const key = await sealingKeyOf(custodian)
      const { patient, dataClasses, sensitivities, from, until, reason } = wish
      const request: AccessRequest = {
        requester: member,
        custodian,
        ...{ patient, dataClasses, sensitivities, from, until, reason },
        purpose: asker.purpose,
        deadline: requestDeadline(clock.now(), wish.days),
        salt: toHex(randomBytes(32)),
      }
      const commitment = requestCommitment(custodian, requestInner(request))
      const message = await messageOf(request, custodian, key)
      const askedAt = new Date(clock.now()).toISOString()
      const kept: Kept = { request, custodian: wish.custodian, userId: asker.userId }
      const parties = { requester: await partyOf(index, member), custodian: await partyOf(index, custodian) }
      await db.transaction().execute(async (trx) => {
        await trx
          .insertInto('requests_sent')
          .values({
            ...{ commitment, custodian },
            deadline: request.deadline,
            sealed: sealJson(vault.storeKey, kept),
            created_at: askedAt,
          })
          .execute()
        await enqueueCall(trx, clock, {
          contract: deps.contracts.accessRequests as Hex,
          data: calls.encodeFunctionData('open', [commitment, request.deadline]) as Hex,
          dedupeKey: `request/${commitment}`,
        })
        await enqueueMessage(trx, clock, message)
        const entry = {
          kind: 'request-sent' as const,
          outcome: '0' as const,
          ...parties,
          user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
          client: { id: clientId },
          purpose: asker.purpose,
          patient: { identifier: patient },
          request: `Task/${commitment}`,
        }
        await deps.accessLog.append(trx, entry, patient)
      })
      deps.afterSend()
      return { commitment, request, custodian: wish.custodian, askedAt, status: 'sending' }
    },

    async sendAnew(trx, custodian) {
      const rows = await trx
        .selectFrom('requests_sent')
        .select('sealed')
        .where('custodian', '=', custodian)
        .where('deadline', '>', Math.floor(clock.now() / 1000))
        .orderBy('created_at')
        .execute()
      const key = await sealingKeyOf(custodian).catch(() => undefined)
      for (const { sealed } of key ? rows : []) {
        const { request } = openJson<Kept>(vault.storeKey, sealed)
        await enqueueMessage(trx, clock, await messageOf(request, custodian, key as JWK))
      }
      return key !== undefined
    },

    async byId(commitment) {
      const row = await db
        .selectFrom('requests_sent')
        .selectAll()
        .where('commitment', '=', commitment)
        .executeTakeFirst()
      if (!row) throw wayleaveError('task-unknown')
      const { request, custodian } = openJson<Kept>(vault.storeKey, row.sealed)
      const seen = await index.request(commitment as Hex)
      const status = seen?.status ?? 'sending'
      return { commitment: commitment as Hex, request, custodian, askedAt: row.created_at, status }
    },
  }
}
