import { type ContractFactory, type JsonRpcProvider, keccak256, type Signer, ZeroAddress } from 'ethers'
import type { Hex } from '../domain/hex.ts'
import {
  AccessLogSuccessor__factory,
  AccessRequestsSuccessor__factory,
  BreakGlass__factory,
  BreakGlassSuccessor__factory,
  ConsentSuccessor__factory,
  type Contracts,
  MemberRegistry__factory,
  MemberRegistrySuccessor__factory,
  PatientRegistrySuccessor__factory,
  RecordDirectorySuccessor__factory,
  Succession__factory,
} from './contracts.ts'
import { predecessorsOf, REPLACEABLE, type Replaceable } from './migration/index.ts'
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

/** A contract that was deployed to take the place of another. */
export type DeployedSuccessor = { contract: keyof Contracts; successor: string; codeHash: Hex }

/** What names a contract for good is replaced together with it, in this order. */
const TOGETHER: Partial<Record<Replaceable, readonly (keyof Contracts)[]>> = {
  patientRegistry: ['patientRegistry', 'consentRegistry'],
  memberRegistry: [
    'memberRegistry',
    'patientRegistry',
    'consentRegistry',
    'recordDirectory',
    'accessLog',
    'accessRequests',
    'breakGlass',
    'succession',
  ],
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

  /** The factory of a contract's successor and its arguments, among the contracts as they will be. */
  async function planOf(name: keyof Contracts, next: Contracts): Promise<[ContractFactory, unknown[]]> {
    const old = contracts[name]
    switch (name) {
      case 'memberRegistry':
        return [new MemberRegistrySuccessor__factory(), [contracts.accessManager, old]]
      case 'patientRegistry':
        return [new PatientRegistrySuccessor__factory(), [next.memberRegistry, next.passkeyVerifier, old]]
      case 'consentRegistry':
        return [new ConsentSuccessor__factory(), [next.memberRegistry, next.patientRegistry, old]]
      case 'recordDirectory':
        return [new RecordDirectorySuccessor__factory(), [next.memberRegistry, old]]
      case 'accessLog':
        return [new AccessLogSuccessor__factory(), [next.memberRegistry, old]]
      case 'accessRequests':
        return [new AccessRequestsSuccessor__factory(), [next.memberRegistry, old]]
      case 'breakGlass': {
        const { quota } = await BreakGlass__factory.connect(old, provider).quotaOf(`0x${'00'.repeat(32)}`, 0)
        return [new BreakGlassSuccessor__factory(), [next.memberRegistry, quota, old]]
      }
      case 'succession':
        return [new Succession__factory(), [contracts.accessManager, next.memberRegistry]]
      default:
        throw new RangeError(`${name} has no successor`)
    }
  }

  return {
    codeHashOf,

    /**
     * Deploys a contract that takes over from the present one, with the same members and patients, and whatever names that
     * one for good. Sent by anybody; without the council and the members it is nothing.
     */
    async deploySuccessor(signer: Signer, contract: Replaceable): Promise<DeployedSuccessor[]> {
      const sender = signer.connect(provider)
      const next = { ...contracts }
      const deployed: DeployedSuccessor[] = []
      for (const name of TOGETHER[contract] ?? [contract]) {
        const [factory, args] = await planOf(name, next)
        const made = await factory.connect(sender).deploy(...args, await free(provider))
        const sent = made.deploymentTransaction()
        if (sent) await mined(sent, name)
        const successor = await made.getAddress()
        next[name] = successor
        deployed.push({ contract: name, successor, codeHash: await codeHashOf(successor) })
      }
      return deployed
    },

    /**
     * Which contract of the configuration an address is a successor of, and what it took over from itself.
     * @throws RangeError where it took over from none of them.
     */
    async lineOf(
      successor: string,
    ): Promise<{ contract: Replaceable; predecessor: string; predecessors: string[] }> {
      const predecessors = await predecessorsOf(provider, successor)
      const line = [successor, ...predecessors].map((address) => address.toLowerCase())
      const contract = REPLACEABLE.find((name) => line.includes(contracts[name].toLowerCase()))
      const [predecessor] = predecessors
      if (contract === undefined || predecessor === undefined)
        throw new RangeError(`${successor} is no successor of a contract that is configured`)
      return { contract, predecessor, predecessors }
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
