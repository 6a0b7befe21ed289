import type { ActPlace } from '../domain/consent/read-signed-act.ts'
import { actDomain, type TypedData, typedData } from '../domain/consent/typed-data.ts'
import type { Hex } from '../domain/hex.ts'
import type { OwnRecovery } from '../domain/identity/own-recovery.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { BrokerRefused } from './broker-connection.ts'
import type { Sending, Sent } from './client.ts'
import type { ChildKey } from './seed.ts'
import type { OwnSession } from './session.ts'
import { signAct } from './sign.ts'

/** What the desk hands over, and what came to the contact on file. */
export type RecoveryInvitation = { recovery: string; code: string }

/**
 * Getting another key after the old one was lost, or was taken by somebody.
 *
 * 1. At the desk, two registrars find out anew who the patient is (`POST /registrar/recoveries`, then its confirmation); a code goes
 *    to the contact on file. Without a second registrar nothing below works: `enrolment-needs-second-registrar`.
 * 2. The new device makes a client with its new words, or with the old words and the next `replacement` number, and calls
 *    {@link RecoveryMethods.recover}. Once mined the recovery is `pending` for seven days.
 * 3. Meanwhile both keys sign in. Neither grants, renews, unlocks, appoints or withdraws an objection (`recovery-pending`); both
 *    revoke, object and lock. The new key sees all consents, and cannot name a party that has none yet.
 * 4. The old key may stop it once: {@link RecoveryMethods.vetoRecovery}. Then the desk alone can go on, by `overrides: true`, again
 *    with two registrars and a proof of the new key, and seven days begin anew, without another veto.
 * 5. After the seven days the custodian's broker completes it by itself. From then on the new key is the patient's, and the old one
 *    is `signer-unknown`. Helpers are dropped. Permits mined in the 30 days before its start, or during it, stay listed with
 *    `unconfirmed: true` and permit nothing until they are signed anew: `client.renew(consent, consent.until)`, or `client.grant`.
 */
export type RecoveryMethods = {
  /**
   * Proves possession of this client's key, which is to take over; counts once mined: `signIn(20_000)` waits for it, and answers
   * `as: 'candidate'`.
   * @throws BrokerRefused `enrolment-code-wrong` (wrong, used, older than 30 minutes, or five times mistyped),
   * `enrolment-needs-second-registrar`, `key-taken` where the key was ever another patient's, `recovery-not-open`,
   * `identity-frozen`, `deadline-passed`
   */
  recover(invitation: RecoveryInvitation): Promise<void>
  /**
   * Where the replacement of the key stands, for the old key and for the new one. Times are the chain's.
   * @throws BrokerRefused `signer-unknown` for a key that neither is nor is to be the patient's
   */
  recovery(): Promise<OwnRecovery>
  /**
   * Stops the pending recovery; the old key may do so once, in the seven days. It is in force once mined.
   * @throws RangeError where there is none to stop, or this key may not
   */
  vetoRecovery(sending?: Sending): Promise<Sent<'RecoveryVeto'>>
}

/** How long a proof whose answer was lost is looked for. Milliseconds. */
const SETTLE_WITHIN = 20_000

export function recoveryMethods(deps: {
  connection: BrokerConnection
  session: OwnSession
  broker: string
  member: Hex
  place: ActPlace
  key: ChildKey
  send: (data: TypedData<'RecoveryVeto'>, sending: Sending) => Promise<Sent<'RecoveryVeto'>>
}): RecoveryMethods {
  const { connection, session, broker, key } = deps
  const domain = actDomain('Recovery', deps.place.chainId, deps.place.patientRegistry.toLowerCase() as Hex)

  async function offered(invitation: RecoveryInvitation): Promise<TypedData<'Recovery'>> {
    const ask = { method: 'POST', path: '/patient/recovery/offer', body: invitation } as const
    const answer = await connection.persistently(() => connection.send(broker, ask))
    const { primaryType, message } = (answer as { typedData: TypedData<'Recovery'> }).typedData
    const { handle, custodian, attempt, until, deadline } = message
    if (primaryType !== 'Recovery' || custodian !== deps.member)
      throw new Error('The server asks for another signature than that of a recovery here.')
    return typedData('Recovery', domain, { handle, custodian, attempt, until, deadline })
  }

  async function recovery(): Promise<OwnRecovery> {
    return (await session.request('GET', '/patient/recovery')) as OwnRecovery
  }

  return {
    recovery,

    async recover({ recovery: id, code }) {
      const invitation = { recovery: id, code }
      const { signer, signature, typedData: proof } = await signAct(key.privateKey, await offered(invitation))
      const body = { ...invitation, signer, signature, deadline: proof.message.deadline }
      let attempts = 0
      try {
        await connection.persistently(() => {
          attempts++
          return connection.send(broker, { method: 'POST', path: '/patient/recovery', body })
        })
      } catch (error) {
        // The code serves once: refused after a lost answer, it may have served. Then the key gets in.
        const used = error instanceof BrokerRefused && error.code === 'enrolment-code-wrong' && attempts > 1
        if (!used) throw error
        await session.open(SETTLE_WITHIN).catch(() => {
          throw error
        })
      }
    },

    async vetoRecovery(sending = {}) {
      const { handle } = await session.open()
      const { mayVeto, attempt } = await recovery()
      if (!mayVeto) throw new RangeError('There is no recovery that this key may stop')
      const { chainId, patientRegistry } = deps.place
      const veto = actDomain('RecoveryVeto', chainId, patientRegistry.toLowerCase() as Hex)
      return deps.send(typedData('RecoveryVeto', veto, { handle, attempt }), sending)
    },
  }
}
