import type { ContractTransaction, Signer } from 'ethers'
import { getCreateAddress, keccak256 } from 'ethers'
import type { Hex } from '../domain/hex.ts'
import type { Contracts } from './contracts.ts'
import {
  AccessLog__factory,
  AccessManager__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  ConsentRegistry__factory,
  Council__factory,
  MemberRegistry__factory,
  PasskeyVerifier__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
  Succession__factory,
} from './contracts.ts'
import { CHAMBERS, type Seat } from './council.ts'
import { mined } from './mined.ts'

/** Roles of OpenZeppelin's `AccessManager`, each held by the council alone; role 0, `ADMIN_ROLE`, as well. */
export const ROLES = { admin: 0n, atOnce: 1n, delayed: 2n } as const

/** Fourteen days, in seconds: what design and members agreed on for everything but a suspension. */
const COUNCIL_DELAY = 14 * 86_400

/** Emergencies that one member may declare on one day. */
const EMERGENCIES_A_DAY = 20n

/** The council's functions of `MemberRegistry` that wait out the delay; `suspend` alone does not. */
const DELAYED = ['admit', 'reinstate', 'remove', 'setRoles', 'joinGroup', 'leaveGroup'] as const

/** A member that takes part from the first block on. */
export type FoundingMember = { id: Hex; roles: number; operator: string; profile: string }

export type Foundation = {
  /** At least one seat in each chamber, and at least as many as votes are needed. */
  seats: readonly Seat[]
  /** Votes that carry an act, at least one of each chamber among them; 3 unless given, and no fewer. */
  threshold?: number
  /** How long a carried act waits, a suspension excepted. Seconds; fourteen days unless given. */
  delay?: number
  /** Admitted by the deployer before it hands over: afterwards only the council admits. */
  members?: readonly FoundingMember[]
}

/** Where the contracts are, for configurations: `chain.contracts`, `chain.codeHashes`, `chain.deployedAt`. */
export type Deployment = {
  contracts: Contracts
  /** keccak256 of the code at each, by name. */
  codeHashes: Record<string, string>
  /** The first block that holds one of them: where an indexer starts. */
  deployedAt: number
}

/**
 * Deploys all contracts, admits the founding members, and hands everything to the council: the deployer keeps no role.
 * Docs: decision 0014.
 *
 * All transactions are sent at once, with addresses computed from the sender's nonces, and waited for together; the
 * sender may send nothing else meanwhile.
 *
 * @param signer connected to a node; on a chain with a base fee of zero it needs no balance
 * @throws Error when a transaction reverts or a nonce was taken by another sender of the same account
 */
export async function deployContracts(signer: Signer, foundation: Foundation): Promise<Deployment> {
  const { seats, threshold = 3, delay = COUNCIL_DELAY, members = [] } = foundation
  const deployer = await signer.getAddress()
  const first = await signer.getNonce('pending')
  const fees = await freeFees(signer)
  const address = (index: number) => getCreateAddress({ from: deployer, nonce: first + index })
  // The order in which they are sent below.
  const contracts: Contracts = {
    accessManager: address(0),
    memberRegistry: address(1),
    patientRegistry: address(2),
    consentRegistry: address(3),
    recordDirectory: address(4),
    accessLog: address(5),
    passkeyVerifier: address(6),
    accessRequests: address(7),
    breakGlass: address(8),
    succession: address(9),
    council: address(10),
  }
  // A fixed limit, since a node cannot estimate a call to what is not mined yet. Below EIP-7825's 16,777,216.
  const overrides = (index: number) => ({ ...fees, nonce: first + index, gasLimit: 5_000_000n })

  const { accessManager, memberRegistry, patientRegistry, passkeyVerifier } = contracts
  const chambers = seats.map(({ holder, chamber }) => ({ holder, chamber: CHAMBERS.indexOf(chamber) }))
  const deployments = await Promise.all([
    new AccessManager__factory(signer).getDeployTransaction(deployer, overrides(0)),
    new MemberRegistry__factory(signer).getDeployTransaction(accessManager, overrides(1)),
    new PatientRegistry__factory(signer).getDeployTransaction(memberRegistry, passkeyVerifier, overrides(2)),
    new ConsentRegistry__factory(signer).getDeployTransaction(memberRegistry, patientRegistry, overrides(3)),
    new RecordDirectory__factory(signer).getDeployTransaction(memberRegistry, overrides(4)),
    new AccessLog__factory(signer).getDeployTransaction(memberRegistry, overrides(5)),
    new PasskeyVerifier__factory(signer).getDeployTransaction(overrides(6)),
    new AccessRequests__factory(signer).getDeployTransaction(memberRegistry, overrides(7)),
    new BreakGlass__factory(signer).getDeployTransaction(memberRegistry, EMERGENCIES_A_DAY, overrides(8)),
    new Succession__factory(signer).getDeployTransaction(accessManager, memberRegistry, overrides(9)),
    new Council__factory(signer).getDeployTransaction(accessManager, chambers, threshold, overrides(10)),
  ])
  const registry = MemberRegistry__factory.connect(memberRegistry, signer)
  const admissions = await Promise.all(
    members.map(({ id, roles, operator, profile }, index) =>
      registry.admit.populateTransaction(id, roles, operator, profile, overrides(deployments.length + index)),
    ),
  )
  const last = overrides(deployments.length + members.length)
  const handover = await handOver({ contracts, deployer, delay, overrides: last })
  // Handed over in their order, all prepared: a signer that numbers transactions itself does so as it gets them.
  const sending = [...deployments, ...admissions, handover].map((prepared) =>
    signer.sendTransaction(prepared),
  )

  const names = Object.keys(contracts) as (keyof Contracts)[]
  const what = [...names, ...members.map(({ id }) => `the admission of ${id}`), 'the handover to the council']
  const receipts = await Promise.all(sending.map(async (sent, i) => mined(await sent, what[i])))
  for (const [index, name] of names.entries()) {
    const actual = receipts[index]?.contractAddress
    if (actual !== contracts[name]) throw new Error(`${name} lies at ${actual}, not at ${contracts[name]}`)
  }
  const hashes = await Promise.all(names.map((name) => codeHashOf(signer, contracts[name])))
  return {
    contracts,
    codeHashes: Object.fromEntries(names.map((name, i) => [name, hashes[i] ?? ''])),
    deployedAt: Math.min(...receipts.map(({ blockNumber }) => blockNumber)),
  }
}

/**
 * One transaction: the council gets each role with its delay, the functions are bound to the roles, and the deployer
 * renounces the last role that it has. What is bound to no role is the administrator's, so the council's after the delay.
 */
async function handOver(args: {
  contracts: Contracts
  deployer: string
  delay: number
  overrides: Fees & { nonce: number; gasLimit: bigint }
}): Promise<ContractTransaction> {
  const { contracts, delay } = args
  const manager = AccessManager__factory.connect(contracts.accessManager)
  const { interface: api } = manager
  const members = MemberRegistry__factory.createInterface()
  const bind = (target: string, selectors: string[], role: bigint) =>
    api.encodeFunctionData('setTargetFunctionRole', [target, selectors, role])
  const announce = Succession__factory.createInterface().getFunction('announce').selector
  const setSeat = Council__factory.createInterface().getFunction('setSeat').selector
  return manager.multicall.populateTransaction(
    [
      api.encodeFunctionData('labelRole', [ROLES.atOnce, 'COUNCIL_AT_ONCE']),
      api.encodeFunctionData('labelRole', [ROLES.delayed, 'COUNCIL_DELAYED']),
      bind(contracts.memberRegistry, [members.getFunction('suspend').selector], ROLES.atOnce),
      bind(
        contracts.memberRegistry,
        DELAYED.map((name) => members.getFunction(name).selector),
        ROLES.delayed,
      ),
      bind(contracts.succession, [announce], ROLES.delayed),
      bind(contracts.council, [setSeat], ROLES.delayed),
      api.encodeFunctionData('grantRole', [ROLES.atOnce, contracts.council, 0n]),
      api.encodeFunctionData('grantRole', [ROLES.delayed, contracts.council, delay]),
      api.encodeFunctionData('grantRole', [ROLES.admin, contracts.council, delay]),
      api.encodeFunctionData('renounceRole', [ROLES.admin, args.deployer]),
    ],
    args.overrides,
  )
}

async function codeHashOf({ provider }: Signer, address: string): Promise<string> {
  return keccak256((await provider?.getCode(address)) ?? '0x')
}

type Fees = { maxFeePerGas?: bigint; maxPriorityFeePerGas?: bigint }

/** Where gas is free, offers nothing for it, so that an empty account can send; elsewhere leaves fees to ethers. */
async function freeFees(signer: Signer): Promise<Fees> {
  const block = await signer.provider?.getBlock('latest')
  return block?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
}
