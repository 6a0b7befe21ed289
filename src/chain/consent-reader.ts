import { keccak256, type Provider } from 'ethers'
import {
  type ConsentWord,
  type HandleWord,
  readConsentWord,
  readHandleWord,
} from '../domain/consent/consent-word.ts'
import type { MemberAtBlock } from '../domain/consent/decide.ts'
import { type Hex, ZERO_32 } from '../domain/hex.ts'
import { ConsentRegistry__factory, type Contracts } from './contracts.ts'

/** Everything that a decision needs from the chain, as of one block. */
export type ConsentReading = {
  block: number
  custodian: Hex
  bound: boolean
  handle: HandleWord
  /** The custodian's own standing: a suspended hospital hands out nothing. */
  holder: MemberAtBlock
  requester: MemberAtBlock
  words: ConsentWord[]
  /** For each group asked about: when the requester joined it, 0 when it has not. Seconds. */
  joinedAt: number[]
}

export type ConsentReader = {
  /**
   * One `eth_call` at one named block on the custodian's own node.
   * @throws when the node does not answer or does not know the block, or where a contract's code is not the pinned one.
   */
  read(query: {
    handle: Hex
    scopes: Hex[]
    requester: Hex
    groups: Hex[]
    block: number
  }): Promise<ConsentReading>
}

const LIVE = 1n

/** Role bits of the MemberRegistry: who may hold patients' handles, and who may ask. */
const CUSTODIAN = 1n
const REQUESTER = 2n

const standing = (
  member: { status: bigint; admittedAt: bigint; roles: bigint },
  role: bigint,
): MemberAtBlock => ({
  live: member.status === LIVE && (member.roles & role) !== 0n,
  admittedAt: Number(member.admittedAt),
})

export function createConsentReader(
  provider: Provider,
  contracts: Contracts,
  codeHashes: Readonly<Record<string, string>> = {},
): ConsentReader {
  const registry = ConsentRegistry__factory.connect(contracts.consentRegistry, provider)
  let checked: Promise<void> | undefined

  /** Code never changes, so it is asked for once; and again only where the node did not answer. */
  async function checkCode(): Promise<void> {
    for (const [name, pinned] of Object.entries(codeHashes)) {
      const address = contracts[name as keyof Contracts]
      if (address === undefined) throw new Error(`a code hash is pinned for ${name}, which is no contract`)
      const hash = keccak256(await provider.getCode(address))
      if (hash !== pinned.toLowerCase()) throw new Error(`the code of ${name} is ${hash}, not ${pinned}`)
    }
  }

  return {
    async read({ handle, scopes, requester, groups, block }) {
      checked ??= checkCode().catch((error: unknown) => {
        checked = undefined
        throw error
      })
      await checked
      const reading = await registry.read(handle, scopes, requester, groups, { blockTag: block })
      return {
        block: Number(reading.blockNumber),
        custodian: reading.custodian as Hex,
        bound: reading.custodian !== ZERO_32,
        handle: readHandleWord(reading.handleWord),
        holder: standing(reading.holder, CUSTODIAN),
        requester: standing(reading.grantee, REQUESTER),
        words: reading.words.map((word) => readConsentWord(word)),
        joinedAt: reading.joinedAt.map(Number),
      }
    },
  }
}
