import type { Hex } from '../../domain/hex.ts'
import { PatientRegistry__factory } from '../contracts.ts'
import { followed, type Holding, type Item, type Line, word } from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = PatientRegistry__factory.createInterface()
const HANDLE_EVENTS = ['HandleBound']
const RIGHTS_EVENTS = ['HandleBound', 'DelegateSet', 'DelegateEnded', 'RecoveryStarted']

/** The argument that names the signer, where it is no delegate. */
const SIGNER: Readonly<Record<string, 'signerHash' | 'newSigner'>> = {
  HandleBound: 'signerHash',
  RecoveryStarted: 'newSigner',
}

/**
 * Handles (custodian, word, owner, recovery) and rights by handle and signer. The successor looks further for both, and takes
 * a part over with the first act about it.
 */
export function patientRegistryHoldings(line: Line): Holding[] {
  const at = (address: string) => PatientRegistry__factory.connect(address, line.provider)
  const [old, next] = [at(line.predecessor), at(line.successor)]

  const handleAt = async (registry: typeof old, handle: string, block: number) => {
    const blockTag = { blockTag: block }
    const [state, master, recovery] = await Promise.all([
      registry.handleState(handle, blockTag),
      registry.masterOf(handle, blockTag),
      registry.recoveryOf(handle, blockTag),
    ])
    const { newSigner, startedAt, readyAt, attempt, untilDay } = recovery
    const numbers = [startedAt, readyAt, attempt, untilDay].map(word)
    return [state.custodian as Hex, word(state.word), master as Hex, newSigner as Hex, ...numbers]
  }

  const rightsAt = async (registry: typeof old, [handle = '0x', signer = '0x']: Item, block: number) => {
    const blockTag = { blockTag: block }
    const [last, { rights, scopes }] = await Promise.all([
      registry.lastRightsOf(handle, signer, blockTag),
      registry.rightsOf(handle, signer, blockTag),
    ])
    return [word(last), word(rights), scopes as Hex]
  }

  return [
    {
      of: 'handles',
      itemsAt: (block) => itemsIn(line, api, HANDLE_EVENTS, block, ({ handle }) => [[handle]]),
      async sidesAt([handle = '0x'], block) {
        const [there, here] = await Promise.all([old, next].map((one) => handleAt(one, handle, block)))
        return { there: there ?? [], here: here ?? [] }
      },
      standingOf: followed,
    },
    {
      of: 'rights',
      itemsAt: (block) =>
        itemsIn(line, api, RIGHTS_EVENTS, block, (args, name) => [
          [args.handle, args[SIGNER[name] ?? 'delegate']],
        ]),
      async sidesAt(item, block) {
        const [there, here] = await Promise.all([old, next].map((one) => rightsAt(one, item, block)))
        return { there: there ?? [], here: here ?? [] }
      },
      standingOf: followed,
    },
  ]
}
