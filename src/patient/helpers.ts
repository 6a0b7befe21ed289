import type { OwnDelegate, OwnHelping } from '../domain/consent/own-delegates.ts'
import { signerHashOf } from '../domain/consent/signers.ts'
import type { Hex } from '../domain/hex.ts'
import { helperCode, readHelperCode } from '../domain/identity/helper-code.ts'
import { buildDelegation, buildDelegationEnd, type HelperWish, nextUpTo, type SigningState } from './acts.ts'
import { pause } from './broker-connection.ts'
import type { Sending, Sent } from './client.ts'
import { type Prepared, prepared, type Send } from './prepare.ts'
import { helperKey } from './seed.ts'
import type { OwnSession } from './session.ts'

/**
 * People who help: the patient appoints, and the helper acts with words of their own.
 *
 * 1. The helper's device shows a code: {@link codeToHelp}. Each person helped gets another `number`, so that nothing on the chain joins
 *    two of them, nor the helper's own records to them.
 * 2. The patient appoints by the code, with bounds: `client.appoint`. In force once mined.
 * 3. The helper makes a client with the option `helper: number`, signs in (`as: 'delegate'`), reads the consents that it may use, and
 *    acts within the bounds by the same methods: `revoke`, `lock`, `renew`, `grant`, `revokeAll`. What is outside is
 *    `not-within-bounds`. It never sees history or records.
 * 4. Either ends it: `client.endDelegation`, or `client.stopHelping`.
 */
export type HelperMethods = {
  /** Everybody whom the patient has appointed here, those that have ended as well. Newest last. */
  delegates(): Promise<OwnDelegate[]>
  /**
   * Appoints a helper within bounds, or gives one other bounds.
   * @param helper.code what the helper's device shows; a typing error, and a code for another hospital, are caught here
   * @param helper.name what the patient calls the helper, at most 80 characters; the hospital keeps it sealed
   * @throws HelperCodeInvalid; RangeError as `buildDelegation` does; BrokerRefused `key-taken` for a key that signs here already
   */
  appoint(
    helper: { code: string; name?: string },
    wish: HelperWish,
    sending?: Sending,
  ): Promise<Sent<'Delegation'>>
  /** Ends a delegation; counts at the hospital as soon as it has acknowledged it. */
  endDelegation(helper: { delegate: Hex }, sending?: Sending): Promise<Sent<'DelegationEnd'>>
  /** For a helper: what it may do here. @throws BrokerRefused `signer-unknown` where it may nothing, any more or yet */
  helping(): Promise<OwnHelping>
  /** For a helper: ends its own delegation. */
  stopHelping(sending?: Sending): Promise<Sent<'DelegationEnd'>>
}

/**
 * The code by which these words can be appointed to help somebody at a hospital.
 * @param number another one for each person helped there, from 0
 * @throws WordsInvalid
 */
export function codeToHelp(words: string, member: Hex, number: number): string {
  return helperCode(member, helperKey(words, member, number).signer)
}

/** How long a new appointment waits for an earlier one of the same helper to be mined. Milliseconds. */
const SETTLE_WITHIN = 20_000
const PAUSE = 250

/** The same acts in two steps. */
export type PreparingHelpers = {
  appoint(helper: { code: string; name?: string }, wish: HelperWish): Promise<Prepared<'Delegation'>>
  endDelegation(helper: { delegate: Hex }): Promise<Prepared<'DelegationEnd'>>
  stopHelping(): Promise<Prepared<'DelegationEnd'>>
}

/** What is read of it, and nothing signed. */
export function helperMethods({
  session,
}: {
  session: OwnSession
}): Pick<HelperMethods, 'delegates' | 'helping'> {
  return {
    async delegates() {
      const answer = await session.request('GET', '/patient/delegates')
      return (answer as { delegates: OwnDelegate[] }).delegates
    },
    async helping() {
      return (await session.request('GET', '/patient/helping')) as OwnHelping
    },
  }
}

export function prepareHelpers(deps: {
  session: OwnSession
  member: Hex
  signer: Hex
  signingState: () => Promise<SigningState>
  settledState: (slot?: Hex) => Promise<SigningState>
  circumstances: () => { now: number; early: number }
  monotonic: () => number
  send: Send
}): PreparingHelpers {
  const { send } = deps
  const { delegates, helping } = helperMethods(deps)
  /** Versions that acts signed here can yield. */
  const signed = new Map<Hex, number>()

  async function known(delegate: Hex) {
    return (await delegates()).find((one) => one.delegate === delegate)
  }

  /** The version that stands on the chain once what was signed before is mined; see `settledState`. */
  async function settledVersion(delegate: Hex): Promise<number> {
    const end = deps.monotonic() + SETTLE_WITHIN
    for (;;) {
      const found = await known(delegate)
      const version = found?.version ?? 0
      const waits = (found?.signedUpTo ?? -1) >= version || found?.state === 'waiting'
      if (!waits || deps.monotonic() + PAUSE > end) return version
      await pause(PAUSE)
    }
  }

  async function ending(delegate: Hex, version: number, signedUpTo: number) {
    const upTo = nextUpTo(version, signedUpTo, signed.get(delegate) ?? 0)
    const data = buildDelegationEnd(await deps.signingState(), delegate, upTo)
    return prepared(data, (sending) => {
      signed.set(delegate, upTo + 1)
      return send(data, sending)
    })
  }

  return {
    async appoint({ code, name }, wish) {
      const delegate = signerHashOf(readHelperCode(deps.member, code))
      const version = await settledVersion(delegate)
      const state = await deps.settledState()
      const { data, scopes } = buildDelegation(state, delegate, wish, version, deps.circumstances())
      const helper = { ...(name === undefined ? {} : { name }), scopes }
      return prepared(data, (sending) => {
        signed.set(delegate, data.message.version)
        return send(data, sending, { helper })
      })
    },

    async endDelegation({ delegate }) {
      const found = await known(delegate)
      return ending(delegate, found?.version ?? 0, found?.signedUpTo ?? -1)
    },

    async stopHelping() {
      const { version } = await helping()
      return ending(signerHashOf(deps.signer), version, -1)
    },
  }
}
