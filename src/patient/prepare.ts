import type { ConsentBody } from '../domain/consent/body-hash.ts'
import type { SignedAct } from '../domain/consent/read-signed-act.ts'
import { type ActName, digestOf, type TypedData } from '../domain/consent/typed-data.ts'
import type { Hex } from '../domain/hex.ts'
import {
  buildGrant,
  buildLock,
  buildObjection,
  buildRevocation,
  buildUnlock,
  buildWithdrawal,
  type Circumstances,
  type GrantWish,
  type Party,
  type SigningState,
  slotIn,
} from './acts.ts'
import type { Sending, Sent } from './client.ts'
import type { OwnActs } from './own-acts.ts'

export type SlotWish = { to: Party; purpose: string }
export type ObjectionWish = SlotWish & { classes?: readonly string[]; body?: ConsentBody }

/**
 * An act that is built and not signed: whoever shows it shows the very thing that will be signed. Its `data` cannot be changed.
 */
export type Prepared<A extends ActName = ActName> = {
  readonly data: TypedData<A>
  /** The FHIR Consent body that its terms name. */
  readonly body?: ConsentBody
  /**
   * Signs it and sends it.
   * @param shown what the person has read
   * @throws ShownDiffers where that is not this act, to the last bit
   */
  sign(shown: TypedData, sending?: Sending): Promise<Sent<A>>
}

/** What was shown to the patient is not what would be signed, so nothing is. */
export class ShownDiffers extends Error {
  override readonly name = 'ShownDiffers'
  readonly code = 'shown-differs'
}

/** Acts that are built for the person to read first; each then takes one `sign`. Errors are those of the act itself. */
export type Preparing = {
  grant(wish: GrantWish): Promise<Prepared<'Grant'>>
  revoke(wish: SlotWish): Promise<Prepared<'Revocation'>>
  object(wish: ObjectionWish): Promise<Prepared<'Objection'>>
  withdraw(wish: SlotWish): Promise<Prepared<'Withdrawal'>>
  lock(): Promise<Prepared<'Lock'>>
  unlock(): Promise<Prepared<'Unlock'>>
}

/** Builds acts on the newest state, and signs each as it was built. */
export function createPreparing(deps: {
  own: OwnActs
  signingState: () => Promise<SigningState>
  /** The same, once all that a widening act in this slot must come after is mined. */
  settledState: (slot?: SlotWish) => Promise<SigningState>
  circumstances: () => Circumstances
  send: Send
}): Preparing {
  const { own, signingState, settledState, circumstances, send } = deps

  /** Sends an act for one slot. What it can yield is remembered before anything can fail. */
  async function sendForSlot<A extends ActName>(
    slot: Hex,
    yields: number,
    data: TypedData<A>,
    sending: Sending,
    body?: ConsentBody,
  ): Promise<Sent<A>> {
    own.signedVersion(slot, yields)
    const sent = await send(data, sending, body ? { body } : {})
    // Nothing waits for what needs approval: whether and when it is mined is the custodian's to say.
    const waits = 'needsApproval' in data.message && data.message.needsApproval
    if (sent.receipt && !waits) own.sent({ slot, version: yields })
    return sent
  }

  return {
    async grant(wish) {
      const state = await settledState(wish)
      const data = buildGrant(state, wish, circumstances())
      const slot = slotHashOf(state, wish)
      const sign = (sending: Sending) => sendForSlot(slot, data.message.version, data, sending, wish.body)
      return prepared(data, sign, wish.body)
    },

    async revoke(wish) {
      const state = await signingState()
      const slot = slotHashOf(state, wish)
      const data = buildRevocation(state, wish, own.highestVersion(slot))
      return prepared(data, (sending) => sendForSlot(slot, data.message.upToVersion + 1, data, sending))
    },

    async object(wish) {
      const state = await signingState()
      const slot = slotHashOf(state, wish)
      const data = buildObjection(state, wish, circumstances(), own.highestVersion(slot))
      const yields = data.message.upToVersion + 1
      const sign = (sending: Sending) => sendForSlot(slot, yields, data, sending, wish.body)
      return prepared(data, sign, wish.body)
    },

    async withdraw(wish) {
      const state = await settledState(wish)
      const data = buildWithdrawal(state, wish, circumstances())
      const slot = slotHashOf(state, wish)
      return prepared(data, (sending) => sendForSlot(slot, data.message.version, data, sending))
    },

    async lock() {
      const data = buildLock(await signingState(), own.highestLock())
      return prepared(data, async (sending) => {
        own.signedLock(data.message.upToEpoch)
        const sent = await send(data, sending)
        if (sent.receipt) own.sent({ epoch: data.message.upToEpoch + 1 })
        return sent
      })
    },

    async unlock() {
      const data = buildUnlock(await settledState(), circumstances())
      return prepared(data, async (sending) => {
        const sent = await send(data, sending)
        if (sent.receipt) own.sent({ unlocked: true })
        return sent
      })
    },
  }
}

/** Signs what was built, and sends it with what comes along. */
export type Send = <A extends ActName>(
  data: TypedData<A>,
  sending: Sending,
  more?: Pick<SignedAct, 'body' | 'helper'>,
) => Promise<Sent<A>>

/** An act that is signed as it was built, or not at all. */
export function prepared<A extends ActName>(
  data: TypedData<A>,
  sign: (sending: Sending) => Promise<Sent<A>>,
  body?: ConsentBody,
): Prepared<A> {
  const digest = digestOf(frozen(data))
  return {
    ...{ data, ...(body ? { body } : {}) },
    async sign(shown, sending = {}) {
      if (digestOf(shown) !== digest)
        throw new ShownDiffers('What was shown is not what would be signed; nothing is.')
      return sign(sending)
    },
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

/** The name of the slot that a party and a purpose have at this custodian. */
export const slotHashOf = (state: SigningState, { to, purpose }: SlotWish): Hex =>
  slotIn(state, to, purpose).hash
