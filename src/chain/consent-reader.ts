import { keccak256 } from 'ethers'
import {
  type ConsentWord,
  type HandleWord,
  readConsentWord,
  readHandleWord,
} from '../domain/consent/consent-word.ts'
import type { MemberAtBlock } from '../domain/consent/decide.ts'
import { type Hex, ZERO_32 } from '../domain/hex.ts'
import { ConsentRegistry__factory, type Contracts } from './contracts.ts'
import type { NodeRpc } from './node-rpc.ts'

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
   * One `eth_call` at the newest block of the custodian's own node; the answer names that block.
   * @throws when the node does not answer, or where a contract's code is not the pinned one.
   */
  read(query: { handle: Hex; scopes: Hex[]; requester: Hex; groups: Hex[] }): Promise<ConsentReading>
}

const LIVE = 1n

/** Role bits of the MemberRegistry: who may hold patients' handles, and who may ask. */
const CUSTODIAN = 1n
const REQUESTER = 2n

/** `Member` as four words: status, generation, time of admission, roles. */
const standing = (words: readonly bigint[], role: bigint): MemberAtBlock => {
  const [status = 0n, , admittedAt = 0n, roles = 0n] = words
  return { live: status === LIVE && (roles & role) !== 0n, admittedAt: Number(admittedAt) }
}

const READ = ConsentRegistry__factory.createInterface().getFunction('read').selector

const WORD = 64

const word = (value: number | Hex): string =>
  (typeof value === 'number' ? value.toString(16) : value.slice(2)).padStart(WORD, '0')

/**
 * Calldata of `read`, laid out by hand: every decision waits for it, and a general encoder takes ten times as long. Held
 * to that encoder by test.
 */
export function encodeRead(query: { handle: Hex; scopes: Hex[]; requester: Hex; groups: Hex[] }): Hex {
  const { handle, scopes, requester, groups } = query
  const places = [word(4 * 32), word((5 + scopes.length) * 32)]
  const head = [word(handle), places[0], word(requester), places[1]]
  const lists = [word(scopes.length), ...scopes.map(word), word(groups.length), ...groups.map(word)]
  return `${READ as Hex}${head.join('')}${lists.join('')}`
}

/** Where in `Reading` its parts stand, in words. */
const AT = { block: 0, custodian: 2, handle: 3, holder: 4, grantee: 8, words: 12, joinedAt: 13 }

/** @throws RangeError when the answer is not what `read` returns, a shortened one for example. */
export function decodeReading(data: string): ConsentReading {
  if (!/^0x([0-9a-f]{64})+$/i.test(data)) throw new RangeError('not whole words')
  const at = (index: number): bigint => {
    const from = 2 + index * WORD
    if (!Number.isSafeInteger(index) || from + WORD > data.length) throw new RangeError('a shortened answer')
    return BigInt(`0x${data.slice(from, from + WORD)}`)
  }
  const start = Number(at(0)) / 32
  const field = (index: number) => at(start + index)
  const list = (index: number): bigint[] => {
    const from = start + Number(field(index)) / 32
    const length = Number(at(from))
    if (length > data.length / WORD) throw new RangeError('a longer list than the answer')
    return Array.from({ length }, (_, i) => at(from + 1 + i))
  }
  const member = (index: number) => [0, 1, 2, 3].map((i) => field(index + i))
  const custodian: Hex = `0x${field(AT.custodian).toString(16).padStart(WORD, '0')}`
  return {
    block: Number(field(AT.block)),
    custodian,
    bound: custodian !== ZERO_32,
    handle: readHandleWord(field(AT.handle)),
    holder: standing(member(AT.holder), CUSTODIAN),
    requester: standing(member(AT.grantee), REQUESTER),
    words: list(AT.words).map((of) => readConsentWord(of)),
    joinedAt: list(AT.joinedAt).map(Number),
  }
}

export function createConsentReader(
  rpc: Pick<NodeRpc, 'call'>,
  contracts: Contracts,
  codeHashes: Readonly<Record<string, string>> = {},
): ConsentReader {
  let checked: Promise<void> | undefined

  /** Code never changes, so it is asked for once; and again only where the node did not answer. */
  async function checkCode(): Promise<void> {
    for (const [name, pinned] of Object.entries(codeHashes)) {
      const address = contracts[name as keyof Contracts]
      if (address === undefined) throw new Error(`a code hash is pinned for ${name}, which is no contract`)
      const hash = keccak256(await rpc.call<Hex>('eth_getCode', [address, 'latest']))
      if (hash !== pinned.toLowerCase()) throw new Error(`the code of ${name} is ${hash}, not ${pinned}`)
    }
  }

  return {
    async read(query) {
      checked ??= checkCode().catch((error: unknown) => {
        checked = undefined
        throw error
      })
      await checked
      const call = { to: contracts.consentRegistry, data: encodeRead(query) }
      return decodeReading(await rpc.call<string>('eth_call', [call, 'latest']))
    },
  }
}
