import { readConsentWord } from '../../domain/consent/consent-word.ts'
import {
  ConsentRegistry__factory,
  ConsentSuccessor__factory,
  PatientRegistry__factory,
} from '../contracts.ts'
import {
  type Holding,
  type Item,
  isNothing,
  isSame,
  type Line,
  type Sides,
  type Standing,
  word,
} from './holding.ts'
import { itemsIn } from './line-events.ts'

const api = ConsentSuccessor__factory.createInterface()
const WORD_EVENTS = [
  'ConsentGranted',
  'ConsentRevoked',
  'ConsentObjected',
  'ObjectionWithdrawn',
  'ConsentAdopted',
]

/** Words of slots by handle and scope, and referrals, which need the permit that carries them. */
export function consentRegistryHoldings(line: Line): Holding[] {
  const old = ConsentRegistry__factory.connect(line.predecessor, line.provider)
  const next = ConsentSuccessor__factory.connect(line.successor, line.provider)
  const patients = PatientRegistry__factory.connect(line.patientRegistry, line.provider)
  const custodianOf = async ([handle = '0x']: Item) => (await patients.handleState(handle)).custodian

  async function wordsAt([handle = '0x', scope = '0x']: Item, block: number): Promise<Sides> {
    const at = { blockTag: block }
    const [there, here] = await Promise.all([
      old.wordOf(handle, scope, at),
      next.ownWordOf(handle, scope, at),
    ])
    return { there: [word(there)], here: [word(here)] }
  }

  /** With any other parent a referral is dead, there and here. */
  async function isCarried([handle = '0x', scope = '0x', referral = '0x']: Item, block: number) {
    const sides = await wordsAt([handle, scope], block)
    const { state, version } = readConsentWord(BigInt(sides.there[0] ?? 0))
    const [theirs] = await old.referralOf(handle, scope, referral, { blockTag: block })
    return isSame(sides) && state === 'permit' && theirs.parentVersion === BigInt(version)
  }

  const slots: Holding = {
    of: 'slots',
    itemsAt: (block) =>
      itemsIn(line, api, [...WORD_EVENTS, 'ReferralAnchored'], block, ({ handle, scope }) => [
        [handle, scope],
      ]),
    sidesAt: wordsAt,
    standingOf: slotStanding,
    adopting: {
      custodianOf,
      dataFor: (items) =>
        api.encodeFunctionData('batch', [
          items.map(([handle = '0x', scope = '0x']) => api.encodeFunctionData('adopt', [handle, [scope]])),
        ]),
    },
  }
  const referrals: Holding = {
    of: 'live referrals',
    async itemsAt(block) {
      const all = await itemsIn(line, api, ['ReferralAnchored'], block, ({ handle, scope, referral }) => [
        [handle, scope, referral],
      ])
      const carried = await Promise.all(all.map((item) => isCarried(item, block)))
      return all.filter((_, i) => carried[i])
    },
    async sidesAt([handle = '0x', scope = '0x', referral = '0x'], block) {
      const at = { blockTag: block }
      const [[there], [here]] = await Promise.all([
        old.referralOf(handle, scope, referral, at),
        next.referralOf(handle, scope, referral, at),
      ])
      const words = (one: typeof there) => [one.parentVersion, one.untilDay, one.anchoredAt].map(word)
      return { there: words(there), here: words(here) }
    },
    standingOf: ({ here }) => (isNothing(here) ? 'missing' : 'equal'),
    adopting: {
      custodianOf,
      dataFor: (items) =>
        api.encodeFunctionData('batch', [
          items.map(([handle = '0x', scope = '0x', referral = '0x']) =>
            api.encodeFunctionData('adoptReferrals', [handle, scope, [referral]]),
          ),
        ]),
    },
  }
  return [slots, referrals]
}

function slotStanding(sides: Sides): Standing {
  if (isSame(sides)) return 'equal'
  if (isNothing(sides.here)) return 'missing'
  const [theirs, ours] = [sides.there, sides.here].map(([one]) => readConsentWord(BigInt(one ?? 0)))
  if (!theirs || !ours || theirs.version <= ours.version || ours.state === 'objection') return 'moved on'
  const narrows = theirs.state === 'objection' || ours.state === 'permit'
  return narrows ? 'behind' : 'moved on'
}
