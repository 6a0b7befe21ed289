import type { OwnConsent } from '../domain/consent/own-consents.ts'
import type { Hex } from '../domain/hex.ts'
import {
  buildBreakGlassOff,
  buildBreakGlassOn,
  buildRenewal,
  buildRevocationList,
  type SigningState,
} from './acts.ts'
import type { Sending, Sent } from './client.ts'
import type { OwnActs } from './own-acts.ts'
import { type Prepared, prepared, type Send } from './prepare.ts'

/** Letting what stands last longer, ending much at once, and the switch of emergency access. */
export type RenewalMethods = {
  /**
   * Lets a permit last until another day, with the terms and conditions that it has; in force once mined. With the same day it
   * confirms a permit that waits after a recovery (`unconfirmed`).
   *
   * @param consent as `consents()` tells it; what of it has changed since is read anew
   * @param until YYYY-MM-DD (UTC), included; at most ten years ahead
   * @throws RangeError for what is no permit, whose terms the hospital does not know, or that needs its approval: grant that anew
   */
  renew(consent: Pick<OwnConsent, 'scopeHash'>, until: string, sending?: Sending): Promise<Sent<'Renewal'>>
  /**
   * Stops all sharing by one signature: ends every permit at this hospital, or those that are named, 256 at most. Like a revocation it
   * counts as soon as the hospital has acknowledged it. Objections stay.
   * @throws RangeError where there is no permit to end
   */
  revokeAll(
    consents?: readonly Pick<OwnConsent, 'scopeHash'>[],
    sending?: Sending,
  ): Promise<Sent<'RevocationList'>>
  /** Nobody is let in without a consent in an emergency at this hospital; it always lands. */
  forbidEmergencyAccess(sending?: Sending): Promise<Sent<'BreakGlassOff'>>
  /** Lets the hospital's own rules for emergencies hold again; in force once mined. */
  allowEmergencyAccess(sending?: Sending): Promise<Sent<'BreakGlassOn'>>
}

/** The same acts in two steps. */
export type PreparingRenewals = {
  renew(consent: Pick<OwnConsent, 'scopeHash'>, until: string): Promise<Prepared<'Renewal'>>
  revokeAll(consents?: readonly Pick<OwnConsent, 'scopeHash'>[]): Promise<Prepared<'RevocationList'>>
  forbidEmergencyAccess(): Promise<Prepared<'BreakGlassOff'>>
  allowEmergencyAccess(): Promise<Prepared<'BreakGlassOn'>>
}

export function prepareRenewals(deps: {
  signingState: () => Promise<SigningState>
  settledState: (slot?: Hex) => Promise<SigningState>
  circumstances: () => { now: number; early: number }
  own: OwnActs
  send: Send
}): PreparingRenewals {
  const { own, send } = deps
  let switchSigned = 0

  return {
    async renew({ scopeHash: slot }, until) {
      const state = await deps.settledState(slot)
      const consent = state.state.consents.find(({ scopeHash }) => scopeHash === slot)
      if (!consent) throw new RangeError('There is no permit here that could last longer')
      const data = buildRenewal(state, consent, until, deps.circumstances())
      const { version } = data.message
      return prepared(data, async (sending) => {
        own.signedVersion(slot, version)
        const sent = await send(data, sending)
        if (sent.receipt) own.sent({ slot, version })
        return sent
      })
    },

    async revokeAll(named) {
      const state = await deps.signingState()
      const slots = named && new Set(named.map(({ scopeHash }) => scopeHash))
      const ended = state.state.consents.filter((one) =>
        slots ? slots.has(one.scopeHash) : one.state === 'permit',
      )
      const data = buildRevocationList(state, ended, (slot) => own.highestVersion(slot))
      const yields = data.message.items.map(({ upToVersion }, i) => ({
        slot: ended[i]?.scopeHash ?? ('0x' as Hex),
        version: upToVersion + 1,
      }))
      return prepared(data, async (sending) => {
        for (const { slot, version } of yields) own.signedVersion(slot, version)
        const sent = await send(data, sending)
        if (sent.receipt) for (const one of yields) own.sent(one)
        return sent
      })
    },

    async forbidEmergencyAccess() {
      const data = buildBreakGlassOff(await deps.signingState(), switchSigned)
      return prepared(data, (sending) => {
        switchSigned = data.message.upToVersion + 1
        return send(data, sending)
      })
    },

    async allowEmergencyAccess() {
      const data = buildBreakGlassOn(await deps.settledState(), deps.circumstances())
      return prepared(data, (sending) => {
        switchSigned = Math.max(switchSigned, data.message.version)
        return send(data, sending)
      })
    },
  }
}
