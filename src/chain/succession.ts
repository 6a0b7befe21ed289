import { type JsonRpcProvider, keccak256, type Signer, ZeroAddress } from 'ethers'
import type { Hex } from '../domain/hex.ts'
import {
  ConsentSuccessor__factory,
  type Contracts,
  MemberRegistry__factory,
  Succession__factory,
} from './contracts.ts'
import { mined } from './mined.ts'

/** A successor that the council has announced, and which members read it. */
export type Announcement = {
  predecessor: string
  successor: string
  codeHash: Hex
  acceptedBy: Hex[]
  /** Live members that have not accepted it. */
  waitingFor: Hex[]
}

/** What the chain knows of successors. What it refuses is thrown as ethers' `CALL_EXCEPTION`. */
export function createSuccession(deps: {
  provider: JsonRpcProvider
  contracts: Contracts
  deployedAt: number
}) {
  const { provider, contracts, deployedAt } = deps
  const succession = Succession__factory.connect(contracts.succession, provider)
  const members = MemberRegistry__factory.connect(contracts.memberRegistry, provider)

  async function liveMembers(): Promise<Hex[]> {
    const admitted = await members.queryFilter(members.filters.MemberAdmitted(), deployedAt)
    const ids = [...new Set(admitted.map(({ args }) => args.member as Hex))]
    const states = await Promise.all(ids.map((id) => members.memberState(id)))
    return ids.filter((_, i) => states[i]?.status === 1n)
  }

  const codeHashOf = async (address: string) => keccak256(await provider.getCode(address)) as Hex

  return {
    codeHashOf,

    /** Deploys a consent registry that takes over from the present one, with the same members and patients. */
    async deployConsentSuccessor(signer: Signer): Promise<{ successor: string; codeHash: Hex }> {
      const { memberRegistry, patientRegistry, consentRegistry } = contracts
      const factory = new ConsentSuccessor__factory(signer.connect(provider))
      const deployed = await factory.deploy(
        memberRegistry,
        patientRegistry,
        consentRegistry,
        await free(provider),
      )
      const sent = deployed.deploymentTransaction()
      if (sent) await mined(sent, 'the successor')
      const successor = await deployed.getAddress()
      return { successor, codeHash: await codeHashOf(successor) }
    },

    /** What is announced now, and how far it has come. */
    async announcements(): Promise<Announcement[]> {
      const events = await succession.queryFilter(succession.filters.SuccessorAnnounced(), deployedAt)
      const predecessors = [...new Set(events.map(({ args }) => args.predecessor))]
      const live = await liveMembers()
      return Promise.all(
        predecessors.map(async (predecessor) => {
          const { successor, codeHash } = await succession.successorOf(predecessor)
          const accepted = await Promise.all(live.map((id) => succession.acceptedBy(id, predecessor)))
          const has = (i: number) => accepted[i] === successor && successor !== ZeroAddress
          return {
            predecessor,
            successor,
            codeHash: codeHash as Hex,
            acceptedBy: live.filter((_, i) => has(i)),
            waitingFor: live.filter((_, i) => !has(i)),
          }
        }),
      )
    },

    /** Sent by an operator of a live member: its brokers read the successor from now on. */
    async accept(operator: Signer, predecessor: string, successor: string): Promise<void> {
      const contract = succession.connect(operator.connect(provider))
      await contract.accept.staticCall(predecessor, successor)
      await mined(await contract.accept(predecessor, successor, await free(provider)))
    },
  }
}

/** Where gas is free an empty account can send. */
async function free(
  provider: JsonRpcProvider,
): Promise<{ maxFeePerGas?: bigint; maxPriorityFeePerGas?: bigint }> {
  const block = await provider.getBlock('latest')
  return block?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
}
