import { id, type SigningKey } from 'ethers'
import type { Contracts } from '../../../src/chain/contracts.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import type { CommitmentsModel } from './commitments.ts'
import type { ConsentsModel } from './consents.ts'
import type { Digests } from './digests.ts'
import type { At } from './handle-words.ts'
import type { Key, Signed } from './keys.ts'
import type { EvidenceModel, MembersModel } from './members.ts'
import type { Event } from './outcome.ts'
import type { PatientsModel } from './patients.ts'
import type { SuccessorModel } from './successor.ts'

/** Where the contracts are, the consent registry's successor among them. */
export type ModelledContracts = Contracts & { consentSuccessor: string }

/** What a contract is called with. */
export type Called = { to: string; data: string }

/** A call for the chain, and the same for the model. */
export type Step = Called & { what: string; model: () => Event[] }

/** A consent registry, and the model of it. */
export type Registry = { to: string; digest: (structHash: Hex) => Hex; model: ConsentsModel }

/** A signed call as it can be sent again, by anybody, later; one about consents, to either registry. */
export type PastAct = {
  what: string
  to: string
  data: Hex
  /** None for what is about a handle. */
  registry?: Registry | undefined
  model: (at: At, registry?: Registry) => Event[]
}

/** One patient at one custodian, two slots, three keys: what a sequence is about. */
export type Story = {
  handle: Hex
  scopes: [Hex, Hex]
  /** Who owns the handle at first, who helps, and whom it does not concern. */
  keys: [owner: Key, helper: Key, stranger: Key]
  /** Whether it goes on at the successor, too. */
  moves: 'never' | 'later' | 'now'
  past: PastAct[]
  referrals: { scope: Hex; referral: Hex }[]
  /** Of its request and its emergency: what the custodian is told, and what lies on the chain. */
  inner: Hex
  commitment: Hex
  /** The member that both name. */
  holder: Hex
}

export type Random = {
  below: (bound: number) => number
  one: <T>(of: readonly T[]) => T
  chance: (percent: number) => boolean
}

export type World = {
  contracts: ModelledContracts
  members: MembersModel
  patients: PatientsModel
  /** The consent registry, and the one that takes over from it. */
  first: Registry
  next: Registry & { model: SuccessorModel }
  evidence: EvidenceModel
  commitments: CommitmentsModel
  digests: Digests
  /** Accounts that calls come from, lower-case; the first is the council. */
  accounts: string[]
  /** Accounts with keys, whose signatures approve. */
  desks: SigningKey[]
  memberIds: Hex[]
  groups: Hex[]
  tags: Hex[]
}

/** What is needed to send one act, before anybody has signed it. */
export type Draft = {
  what: string
  to: string
  registry?: Registry
  digest: Hex
  /** Who should sign it. */
  key: Key
  encode: (signed: Signed) => string
  /** Of an act about consents: at this registry, instead of the one that it was drawn for. */
  model: (at: At, signed: Signed, registry?: Registry) => Event[]
}

export const hash = (text: string) => id(text) as Hex

/** The exact number in most cases, else one beside it. */
export const near = ({ chance, one }: Random, n: number, last: number) =>
  Math.min(last, Math.max(0, chance(85) ? n : n + one([-2, -1, 1, 2])))

/** Mostly in time. */
export const deadlineFrom = ({ one, chance }: Random, now: number) => now + (chance(93) ? 900 : one([0, -1]))
