import { type Hex, isHex } from '../domain/hex.ts'
import { RecordDirectory__factory } from './contracts.ts'
import type { NodeRpc } from './node-rpc.ts'

const COMMITMENT_OF = RecordDirectory__factory.createInterface().getFunction('commitmentOf').selector

export type CommitmentReader = {
  /**
   * What a custodian registered under a tag, by the newest block of the own node; zero where it is nothing.
   * @throws NodeError where the node does not answer; RangeError where what it answers is no word
   */
  commitmentOf(custodian: Hex, tag: Hex): Promise<Hex>
}

/** Calldata laid out by hand, as for consents: every record that is received waits for it. */
export function createCommitmentReader(rpc: Pick<NodeRpc, 'call'>, directory: Hex): CommitmentReader {
  return {
    async commitmentOf(custodian, tag) {
      const data = `${COMMITMENT_OF}${custodian.slice(2)}${tag.slice(2)}`
      const word = await rpc.call<unknown>('eth_call', [{ to: directory, data }, 'latest'])
      if (!isHex(word, 32)) throw new RangeError('not one word')
      return word
    },
  }
}
