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
  if (act === 'Grant' || act === 'Withdrawal') {
    const { version } = message as ActMessages['Grant']
    if (word.version < version) return 'not yet'
    const wanted = act === 'Grant' ? 'permit' : 'silent'
    return word.version === version && word.state === wanted ? 'in force' : 'beaten'
  }
  const { upToVersion } = message as ActMessages['Revocation']
  if (word.version <= upToVersion) return 'not yet'
  if (act === 'Objection') return word.state === 'objection' ? 'in force' : 'beaten'
  return word.state === 'permit' ? 'beaten' : 'in force'
}

/** What a handle's word says about a lock or an unlocking. */
export function standingOfHandle(
  act: ActName,
  message: ActMessages[ActName],
  word: Pick<HandleWord, 'epoch' | 'locked'>,
): Standing {
  if (act === 'Lock') {
    if (word.epoch <= (message as ActMessages['Lock']).upToEpoch) return 'not yet'
    return word.locked ? 'in force' : 'beaten'
  }
  const { epoch } = message as ActMessages['Unlock']
  if (word.epoch !== epoch) return 'beaten'
  return word.locked ? 'not yet' : 'in force'
}

/** The same, from what the custodian tells the patient of the newest block. */
export function standingIn(
  own: OwnConsents,
  { primaryType, message }: Pick<TypedData, 'primaryType' | 'message'>,
): Standing {
  if (!('scope' in message)) return standingOfHandle(primaryType, message, own)
  const slot = scopeHash(message.scope)
  const known = own.consents.find((consent) => consent.scopeHash === slot)
  return standingOfSlot(primaryType, message, known ?? { version: 0, state: 'silent' })
}
