import type { ConsentWord, HandleWord } from './consent-word.ts'
import type { OwnConsents } from './own-consents.ts'
import type { ActMessages, ActName, TypedData } from './typed-data.ts'
import { scopeHash } from './typed-data.ts'

/** `beaten`: mined, or void, without effect, since another act of the patient's came between. */
export type Standing = 'in force' | 'not yet' | 'beaten'

/** What a slot's word says about an act for it. */
export function standingOfSlot(
  act: ActName,
  message: ActMessages[ActName],
  word: Pick<ConsentWord, 'version' | 'state'>,
): Standing {
  if (act === 'Grant' || act === 'Renewal' || act === 'Withdrawal') {
    const { version } = message as ActMessages['Grant']
    if (word.version < version) return 'not yet'
    const wanted = act === 'Withdrawal' ? 'silent' : 'permit'
    return word.version === version && word.state === wanted ? 'in force' : 'beaten'
  }
  const { upToVersion } = message as ActMessages['Revocation']
  if (word.version <= upToVersion) return 'not yet'
  if (act === 'Objection') return word.state === 'objection' ? 'in force' : 'beaten'
  return word.state === 'permit' ? 'beaten' : 'in force'
}

/** What a handle's word says about a lock, an unlocking, or the switch of emergency access. */
export function standingOfHandle(
  act: ActName,
  message: ActMessages[ActName],
  word: Pick<HandleWord, 'epoch' | 'locked'> & { breakGlassOff?: boolean; breakGlassVersion?: number },
): Standing {
  if (act === 'BreakGlassOff' || act === 'BreakGlassOn') return standingOfSwitch(act, message, word)
  if (act === 'Lock') {
    if (word.epoch <= (message as ActMessages['Lock']).upToEpoch) return 'not yet'
    return word.locked ? 'in force' : 'beaten'
  }
  const { epoch } = message as ActMessages['Unlock']
  if (word.epoch !== epoch) return 'beaten'
  return word.locked ? 'not yet' : 'in force'
}

function standingOfSwitch(
  act: 'BreakGlassOff' | 'BreakGlassOn',
  message: ActMessages[ActName],
  { breakGlassOff = false, breakGlassVersion = 0 }: { breakGlassOff?: boolean; breakGlassVersion?: number },
): Standing {
  if (act === 'BreakGlassOff') {
    if (breakGlassVersion <= (message as ActMessages['BreakGlassOff']).upToVersion) return 'not yet'
    return breakGlassOff ? 'in force' : 'beaten'
  }
  const { version } = message as ActMessages['BreakGlassOn']
  if (breakGlassVersion < version) return 'not yet'
  return breakGlassVersion === version && !breakGlassOff ? 'in force' : 'beaten'
}

/** Of several: beaten where one is, in force where all are. */
export function standingOfAll(all: readonly Standing[]): Standing {
  if (all.includes('beaten')) return 'beaten'
  return all.every((one) => one === 'in force') ? 'in force' : 'not yet'
}

/** What a helper's version and rights say about an appointment or its end. */
export function standingOfDelegation(
  act: ActName,
  message: ActMessages[ActName],
  { version, held }: { version: number; held: boolean },
): Standing {
  if (act === 'Delegation') {
    const { version: named } = message as ActMessages['Delegation']
    if (version < named) return 'not yet'
    return version === named && held ? 'in force' : 'beaten'
  }
  const { upToVersion } = message as ActMessages['DelegationEnd']
  if (version <= upToVersion) return 'not yet'
  return held ? 'beaten' : 'in force'
}

/** The same, from what the custodian tells the patient of the newest block. */
export function standingIn(
  own: OwnConsents,
  { primaryType, message }: Pick<TypedData, 'primaryType' | 'message'>,
): Standing {
  if (primaryType === 'RevocationList') {
    const { handle, items } = message as ActMessages['RevocationList']
    return standingOfAll(
      items.map((item) => standingIn(own, { primaryType: 'Revocation', message: { handle, ...item } })),
    )
  }
  const { off, version } = own.emergency
  const word = { ...own, breakGlassOff: off, breakGlassVersion: version }
  if (!('scope' in message)) return standingOfHandle(primaryType, message, word)
  const slot = scopeHash(message.scope)
  const known = own.consents.find((consent) => consent.scopeHash === slot)
  return standingOfSlot(primaryType, message, known ?? { version: 0, state: 'silent' })
}
