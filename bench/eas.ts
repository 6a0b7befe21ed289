import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ContractFactory, id, Signature, ZeroAddress, ZeroHash } from 'ethers'
import { type CodeSettings, createCompiler } from '../scripts/solidity.ts'
import { mined } from '../src/chain/mined.ts'
import { SANDBOX_CHAIN_ID } from '../src/sandbox/anvil.ts'
import { type BenchChain, DEADLINE } from './chain.ts'

const folder = join(import.meta.dirname, 'eas')
const EAS = '@ethereum-attestation-service/eas-contracts'

/** What EAS's bench needs and cannot have; the message names it. */
export class PackagesMissing extends Error {}

/** Gas of EAS's own operations, for 64 bytes of data, which is what a consent would need at least. */
export type EasGas = {
  attest: number
  attestByDelegation: number
  attestByDelegationOf50: number
  revokeByDelegation: number
  timestamp: number
}

/**
 * Installs what `bench/eas/package-lock.json` names, once, apart from our own packages.
 * @throws PackagesMissing when npm cannot bring them
 */
function installPackages(): void {
  const wanted = [EAS, '@openzeppelin/contracts', 'solc']
  const missing = () => wanted.filter((name) => !existsSync(join(folder, 'node_modules', name)))
  if (missing().length === 0) return
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 2, 2] })
  const left = missing()
  if (left.length > 0) throw new PackagesMissing(`npm cannot install ${left.join(', ')} into bench/eas`)
}

/** EAS 1.9 as its authors compile it, at the EVM version and optimizer runs given. */
function compileEas(settings: CodeSettings) {
  installPackages()
  const compile = createCompiler(folder)
  const sources = {
    'Entry.sol': `import "${EAS}/contracts/EAS.sol"; import "${EAS}/contracts/SchemaRegistry.sol";`,
  }
  const select = { '*': { '*': ['abi', 'evm.bytecode.object'] } }
  const { contracts } = compile(sources, settings, select)
  return (name: string) => {
    const contract = contracts[`${EAS}/contracts/${name}.sol`]?.[name]
    if (!contract) throw new Error(`${EAS} holds no ${name}`)
    return new ContractFactory(JSON.stringify(contract.abi), contract.evm.bytecode.object)
  }
}

const ATTEST = [
  ['attester', 'address'],
  ['schema', 'bytes32'],
  ['recipient', 'address'],
  ['expirationTime', 'uint64'],
  ['revocable', 'bool'],
  ['refUID', 'bytes32'],
  ['data', 'bytes'],
  ['value', 'uint256'],
  ['nonce', 'uint256'],
  ['deadline', 'uint64'],
].map(([name = '', type = '']) => ({ name, type }))
const REVOKE = [
  ['revoker', 'address'],
  ['schema', 'bytes32'],
  ['uid', 'bytes32'],
  ['value', 'uint256'],
  ['nonce', 'uint256'],
  ['deadline', 'uint64'],
].map(([name = '', type = '']) => ({ name, type }))

/** @throws PackagesMissing when EAS's packages cannot be installed */
export async function measureEas(chain: BenchChain, settings: CodeSettings): Promise<EasGas> {
  const factoryOf = compileEas(settings)
  const deployer = chain.wallet('eas deployer')
  const registry = factoryOf('SchemaRegistry')
  const eas = factoryOf('EAS')
  const created = async (data: string) => {
    const sent = await deployer.sendTransaction({
      data,
      gasLimit: 10_000_000,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
    })
    return (await mined(sent)).contractAddress ?? ZeroAddress
  }
  const registryAt = await created((await registry.getDeployTransaction()).data)
  const easAt = await created((await eas.getDeployTransaction(registryAt)).data)

  const register = registry.interface.encodeFunctionData('register', [
    'bytes32 scope, bytes32 terms',
    ZeroAddress,
    true,
  ])
  const schema = (await chain.send(deployer, registryAt, register)).logs[0]?.topics[1] ?? ZeroHash
  const attester = chain.wallet('eas attester')
  const relayer = chain.wallet('eas relayer')
  const domain = { name: 'EAS', version: '1.4.0', chainId: SANDBOX_CHAIN_ID, verifyingContract: easAt }
  let nonce = 0
  const request = (what: string) => ({
    recipient: ZeroAddress,
    expirationTime: 0,
    revocable: true,
    refUID: ZeroHash,
    data: `${id(`scope ${what}`)}${id(`terms ${what}`).slice(2)}`,
    value: 0,
  })
  const signedAttest = async (what: string) => {
    const data = request(what)
    const fields = { ...data, attester: attester.address, schema, nonce: nonce++, deadline: DEADLINE }
    const { v, r, s } = Signature.from(await attester.signTypedData(domain, { Attest: ATTEST }, fields))
    return { data, signature: { v, r, s } }
  }
  const call = (name: string, args: unknown) => eas.interface.encodeFunctionData(name, [args])
  const who = { attester: attester.address, deadline: DEADLINE }
  const delegated = async (what: string) => ({ schema, ...(await signedAttest(what)), ...who })

  const attest = await chain.gasOf(attester, easAt, call('attest', { schema, data: request('own') }))
  // The attester's first nonce costs a slot that later ones do not.
  await chain.send(relayer, easAt, call('attestByDelegation', await delegated('warm')))
  const first = await chain.send(relayer, easAt, call('attestByDelegation', await delegated('one')))
  const items = []
  for (let i = 0; i < 50; i++) items.push(await signedAttest(`of many ${i}`))
  const many = [{ schema, data: items.map((i) => i.data), signatures: items.map((i) => i.signature), ...who }]
  const fifty = await chain.gasOf(relayer, easAt, call('multiAttestByDelegation', many))

  const uid = first.logs[0]?.data ?? ZeroHash
  const fields = { revoker: attester.address, schema, uid, value: 0, nonce: nonce++, deadline: DEADLINE }
  const { v, r, s } = Signature.from(await attester.signTypedData(domain, { Revoke: REVOKE }, fields))
  const revocation = {
    schema,
    data: { uid, value: 0 },
    signature: { v, r, s },
    revoker: attester.address,
    deadline: DEADLINE,
  }
  return {
    attest,
    attestByDelegation: Number(first.gasUsed),
    attestByDelegationOf50: Math.round(fifty / 50),
    revokeByDelegation: await chain.gasOf(relayer, easAt, call('revokeByDelegation', revocation)),
    timestamp: await chain.gasOf(relayer, easAt, call('timestamp', id('a root'))),
  }
}
