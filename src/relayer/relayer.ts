import canonicalize from 'canonicalize'
import { CompactSign, compactDecrypt } from 'jose'
import type { Kysely } from 'kysely'
import { actCall, signerOf } from '../chain/act-calls.ts'
import type { Contracts } from '../chain/contracts.ts'
import { enqueueCall } from '../chain/sender.ts'
import type { Clock } from '../domain/clock.ts'
import {
  type ActPlace,
  type HashedAct,
  readSignedAct,
  type SignedAct,
} from '../domain/consent/read-signed-act.ts'
import { digestOfHashed } from '../domain/consent/typed-data.ts'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { enqueueMessage } from '../exchange/outbox.ts'
import type { BrokerTables } from '../store/schema.ts'

/** What a relayer promises: that it has stored the act and goes on sending it. */
export type RelayReceipt = { digest: Hex; relayer: Hex; receivedAt: string; forwardedTo: Hex }

export type Relayer = {
  /**
   * Takes an act for another custodian: hashes, signature, and the bodies sealed to that custodian, which it cannot read.
   * Both the transaction and the message are stored before it is acknowledged.
   * @throws WayleaveError `signature-invalid`, `handle-unknown`.
   */
  passOn(act: HashedAct): Promise<{ receipt: RelayReceipt; jws: string }>
  /** Opens what another relayer passed on to this custodian. @throws WayleaveError as `accept` does. */
  takeSealed(jwe: string): Promise<unknown>
}

export function createRelayer(deps: {
  db: Kysely<BrokerTables>
  clock: Clock
  contracts: Contracts
  place: ActPlace
  member: Hex
  sealing: CryptoKey
  signing: { key: CryptoKey; kid: string }
  custodianOf: (handle: Hex) => Promise<Hex | undefined>
  accept: (signed: SignedAct) => Promise<unknown>
  afterPassOn: () => void
}): Relayer {
  const { db, clock } = deps
  return {
    async passOn({ act, domain, message, signer, signature, sealed }) {
      if (signerOf(act, domain, message, signature) !== signer)
        throw wayleaveError('signature-invalid', 'not by the signer')
      const custodian = await deps.custodianOf(message.handle as Hex)
      if (!custodian) throw wayleaveError('handle-unknown')
      // A device that does not know who the custodian is still reaches it.
      if (custodian === deps.member) return (await takeSealed(sealed)) as never
      const digest = digestOfHashed(act, domain, message)
      const receivedAt = new Date(clock.now()).toISOString()
      const call = actCall(act, deps.contracts, message, signer, signature)
      await db.transaction().execute(async (trx) => {
        // What needs the custodian's approval only the custodian can bring to the chain.
        if (!message.needsApproval) await enqueueCall(trx, clock, { ...call, dedupeKey: `act/${digest}` })
        await enqueueMessage(trx, clock, { member: custodian, path: '/relay', body: sealed })
      })
      deps.afterPassOn()
      const receipt: RelayReceipt = { digest, relayer: deps.member, receivedAt, forwardedTo: custodian }
      const jws = await new CompactSign(new TextEncoder().encode(canonicalize(receipt)))
        .setProtectedHeader({ alg: 'ES256', kid: deps.signing.kid, typ: 'wayleave-receipt+jws' })
        .sign(deps.signing.key)
      return { receipt, jws }
    },
    takeSealed,
  }

  async function takeSealed(jwe: string): Promise<unknown> {
    let input: unknown
    try {
      const { plaintext } = await compactDecrypt(jwe, deps.sealing, {
        keyManagementAlgorithms: ['ECDH-ES+A256KW'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      input = JSON.parse(new TextDecoder().decode(plaintext))
    } catch (cause) {
      throw wayleaveError('typed-data-invalid', 'not sealed to this custodian', cause)
    }
    return deps.accept(readSignedAct(input, deps.place))
  }
}
