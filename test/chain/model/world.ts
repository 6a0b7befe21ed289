import { id, type SigningKey } from 'ethers'
import type { Contracts } from '../../../src/chain/contracts.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import type { CommitmentsModel } from './commitments.ts'
import type { ConsentsModel } from './consents.ts'
import type { Digests } from './digests.ts'
import type { EvidenceModel, MembersModel } from './members.ts'
import type { Event } from './outcome.ts'
import type { At, PatientsModel } from './patients.ts'
import type { Signed } from './signatures.ts'

/** A call for the chain, and the same for the model. */
export type Step = { what: string; to: string; data: string; model: () => Event[] }

/** A signed call as it can be sent again, by anybody, later. */
export type PastAct = { what: string; to: string; data: Hex; model: (at: At) => Event[] }

/** One patient at one custodian, two slots, three keys: what a sequence is about. */
export type Story = {
  handle: Hex
  scopes: [Hex, Hex]
  /** Who owns the handle at first, who helps, and whom it does not concern. */
  keys: [owner: SigningKey, helper: SigningKey, stranger: SigningKey]
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
  contracts: Contracts
  members: MembersModel
  patients: PatientsModel
  consents: ConsentsModel
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
  digest: Hex
  /** Who should sign it. */
  key: SigningKey
  encode: (signed: Signed) => string
  model: (at: At, signed: Signed) => Event[]
}

export const hash = (text: string) => id(text) as Hex

/** The exact number in most cases, else one beside it. */
export const near = ({ chance, one }: Random, n: number, last: number) =>
  Math.min(last, Math.max(0, chance(85) ? n : n + one([-2, -1, 1, 2])))

/** Mostly in time. */
export const deadlineFrom = ({ one, chance }: Random, now: number) => now + (chance(93) ? 900 : one([0, -1]))
