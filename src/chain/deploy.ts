import type { ContractTransactionResponse, Signer, TransactionReceipt, TransactionResponse } from 'ethers'
import { getCreateAddress } from 'ethers'
import type { Contracts } from './contracts.ts'
import {
  AccessLog__factory,
  AccessManager__factory,
  AccessRequests__factory,
  BreakGlass__factory,
  ConsentRegistry__factory,
  MemberRegistry__factory,
  PasskeyVerifier__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
  Succession__factory,
} from './contracts.ts'

/** The role of OpenZeppelin's `AccessManager` that may call the council's functions of `MemberRegistry`. */
export const COUNCIL_ROLE = 1n

/** Emergencies that one member may declare on one day. */
const EMERGENCIES_A_DAY = 20n

const COUNCIL_FUNCTIONS = [
  'admit',
  'suspend',
  'reinstate',
  'remove',
  'setRoles',
  'joinGroup',
  'leaveGroup',
] as const

/**
 * Deploys all contracts and makes the signer the council: administrator of `AccessManager`, and holder, without delay,
 * of the role that admits, suspends and removes members. Right for a sandbox and for tests.
 *
 * All transactions are sent at once, with addresses computed from the sender's nonces, and waited for together; the
 * sender may send nothing else meanwhile.
 *
 * @param signer connected to a node; on a chain with a base fee of zero it needs no balance
 * @returns the addresses, and the number of the first block that holds one of them: where an indexer starts
 * @throws Error when a transaction reverts or a nonce was taken by another sender of the same account
 */
export async function deployContracts(signer: Signer): Promise<{ contracts: Contracts; deployedAt: number }> {
  const council = await signer.getAddress()
  const first = await signer.getNonce('pending')
  const fees = await freeFees(signer)
  const address = (index: number) => getCreateAddress({ from: council, nonce: first + index })
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
  }
  // A fixed limit, since a node cannot estimate a call to what is not mined yet. Below EIP-7825's 16,777,216.
  const overrides = (index: number) => ({ ...fees, nonce: first + index, gasLimit: 5_000_000n })

  const { accessManager, memberRegistry, patientRegistry, passkeyVerifier } = contracts
  const deployments = await Promise.all([
    new AccessManager__factory(signer).getDeployTransaction(council, overrides(0)),
    new MemberRegistry__factory(signer).getDeployTransaction(accessManager, overrides(1)),
    new PatientRegistry__factory(signer).getDeployTransaction(memberRegistry, passkeyVerifier, overrides(2)),
    new ConsentRegistry__factory(signer).getDeployTransaction(memberRegistry, patientRegistry, overrides(3)),
    new RecordDirectory__factory(signer).getDeployTransaction(memberRegistry, overrides(4)),
    new AccessLog__factory(signer).getDeployTransaction(memberRegistry, overrides(5)),
    new PasskeyVerifier__factory(signer).getDeployTransaction(overrides(6)),
    new AccessRequests__factory(signer).getDeployTransaction(memberRegistry, overrides(7)),
    new BreakGlass__factory(signer).getDeployTransaction(memberRegistry, EMERGENCIES_A_DAY, overrides(8)),
    new Succession__factory(signer).getDeployTransaction(accessManager, memberRegistry, overrides(9)),
  ])
  // Handed over in their order, all prepared: a signer that numbers transactions itself does so as it gets them.
  const sending = deployments.map((deployment) => signer.sendTransaction(deployment))
  const appointing = appointCouncil(signer, contracts, council, overrides(sending.length))

  const names = Object.keys(contracts) as (keyof Contracts)[]
  const receipts = await Promise.all(
    sending.map(async (sent, index) => mined(names[index] ?? '', await sent)),
  )
  await mined('the council', await appointing)
  for (const [index, name] of names.entries()) {
    const actual = receipts[index]?.contractAddress
    if (actual !== contracts[name]) throw new Error(`${name} lies at ${actual}, not at ${contracts[name]}`)
  }
  return { contracts, deployedAt: Math.min(...receipts.map((receipt) => receipt.blockNumber)) }
}

/** One transaction: name the role, give it to the council, and bind the council's functions to it. */
async function appointCouncil(
  signer: Signer,
  contracts: Contracts,
  council: string,
  overrides: Fees & { nonce: number; gasLimit: bigint },
): Promise<ContractTransactionResponse> {
  const manager = AccessManager__factory.connect(contracts.accessManager, signer)
  const members = MemberRegistry__factory.createInterface()
  const selectors = COUNCIL_FUNCTIONS.map((name) => members.getFunction(name).selector)
  return manager.multicall(
    [
      manager.interface.encodeFunctionData('labelRole', [COUNCIL_ROLE, 'COUNCIL']),
      manager.interface.encodeFunctionData('grantRole', [COUNCIL_ROLE, council, 0n]),
      manager.interface.encodeFunctionData('setTargetFunctionRole', [
        contracts.memberRegistry,
        selectors,
        COUNCIL_ROLE,
      ]),
      manager.interface.encodeFunctionData('setTargetFunctionRole', [
        contracts.succession,
        [Succession__factory.createInterface().getFunction('announce').selector],
        COUNCIL_ROLE,
      ]),
    ],
    overrides,
  )
}

type Fees = { maxFeePerGas?: bigint; maxPriorityFeePerGas?: bigint }

/** Where gas is free, offers nothing for it, so that an empty account can send; elsewhere leaves fees to ethers. */
async function freeFees(signer: Signer): Promise<Fees> {
  const block = await signer.provider?.getBlock('latest')
  return block?.baseFeePerGas === 0n ? { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } : {}
}

async function mined(what: string, sent: TransactionResponse): Promise<TransactionReceipt> {
  const receipt = await sent.wait()
  if (!receipt) throw new Error(`${what} was sent, but not mined`)
  return receipt
}
