import { type HandleWord, readHandleWord } from '../domain/consent/consent-word.ts'
import { type Rights, readRights } from '../domain/consent/rights.ts'
import type { Hex } from '../domain/hex.ts'
import { type Contracts, PatientRegistry__factory } from './contracts.ts'
import type { NodeRpc } from './node-rpc.ts'

const registry = PatientRegistry__factory.createInterface()

/** A recovery, as it stands or as it last stood; the handle's word says which. Times are the chain's, in seconds. */
export type RecoveryOnChain = {
  newSigner: Hex
  startedAt: number
  readyAt: number
  attempt: number
  /** Days since 1970-01-01; 0 where the patient takes over. */
  untilDay: number
}

export type SignerReader = {
  /** What a signer, given by its keccak256, may do now, the root of its scopes, and the handle's word. */
  rightsOf(handle: Hex, signerHash: Hex): Promise<{ rights: Rights; scopes: Hex; word: HandleWord }>
  /** The rights as they were last written, of whatever generation: the version of a delegation that ended is found here. */
  lastRightsOf(handle: Hex, signerHash: Hex): Promise<Rights>
  recoveryOf(handle: Hex): Promise<RecoveryOnChain>
  handleOf(handle: Hex): Promise<HandleWord>
  /** The newest block's time, in seconds: what the contracts go by. */
  time(): Promise<number>
}

/** Who may sign, asked at the newest block of the member's own node. Every method throws where it does not answer (I3). */
export function createSignerReader(rpc: Pick<NodeRpc, 'call'>, contracts: Contracts): SignerReader {
  async function ask(name: 'rightsOf' | 'lastRightsOf' | 'recoveryOf' | 'handleState', args: Hex[]) {
    const data = registry.encodeFunctionData(name as 'rightsOf', args as [Hex, Hex])
    const answer = await rpc.call<string>('eth_call', [{ to: contracts.patientRegistry, data }, 'latest'])
    return registry.decodeFunctionResult(name as 'rightsOf', answer)
  }
  return {
    async rightsOf(handle, signerHash) {
      const [rights, scopes, word] = await ask('rightsOf', [handle, signerHash])
      return { rights: readRights(rights), scopes: scopes as Hex, word: readHandleWord(word) }
    },
    async lastRightsOf(handle, signerHash) {
      const [rights] = await ask('lastRightsOf', [handle, signerHash])
      return readRights(rights)
    },
    async recoveryOf(handle) {
      const [found] = await ask('recoveryOf', [handle])
      const { newSigner, startedAt, readyAt, attempt, untilDay } = found as Record<string, bigint> & {
        newSigner: Hex
      }
      return {
        newSigner: newSigner.toLowerCase() as Hex,
        ...{ startedAt: Number(startedAt), readyAt: Number(readyAt) },
        ...{ attempt: Number(attempt), untilDay: Number(untilDay) },
      }
    },
    async handleOf(handle) {
      const [, word] = await ask('handleState', [handle])
      return readHandleWord(word as bigint)
    },
    async time() {
      const block = await rpc.call<{ timestamp: string }>('eth_getBlockByNumber', ['latest', false])
      return Number(block.timestamp)
    },
  }
}
