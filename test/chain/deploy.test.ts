import { spawn } from 'node:child_process'
import { arch, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ContractTransactionResponse, FunctionFragment, Interface, TransactionReceipt } from 'ethers'
import { id, JsonRpcProvider, TypedDataEncoder, Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  AccessLog__factory,
  AccessManager__factory,
  ConsentRegistry__factory,
  Council__factory,
  MemberRegistry__factory,
  PatientRegistry__factory,
  RecordDirectory__factory,
  Succession__factory,
} from '../../src/chain/contracts.ts'
import { deployContracts, ROLES } from '../../src/chain/deploy.ts'
import { mined as receiptOf } from '../../src/chain/mined.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { councilOf, newSeats, publicSeats } from '../../src/sandbox/council.ts'
import { inWords } from '../support/in-words.ts'

// The signed types, said here once more and by hand: they are what wallets, contracts and brokers must agree on.
const SCOPE = [
  { name: 'granteeType', type: 'string' },
  { name: 'grantee', type: 'string' },
  { name: 'purpose', type: 'string' },
  { name: 'salt', type: 'bytes32' },
]
const TERMS = [
  { name: 'dataClasses', type: 'string[]' },
  { name: 'sensitivities', type: 'string[]' },
  { name: 'body', type: 'bytes32' },
  { name: 'salt', type: 'bytes32' },
]
const GRANT = [
  { name: 'handle', type: 'bytes32' },
  { name: 'scope', type: 'Scope' },
  { name: 'terms', type: 'Terms' },
  { name: 'from', type: 'string' },
  { name: 'until', type: 'string' },
  { name: 'snapshotOnly', type: 'bool' },
  { name: 'mayBeReferredOn', type: 'bool' },
  { name: 'needsApproval', type: 'bool' },
  { name: 'laterMembersToo', type: 'bool' },
  { name: 'version', type: 'uint24' },
  { name: 'epoch', type: 'uint32' },
  { name: 'deadline', type: 'uint64' },
]
const REVOCATION = [
  { name: 'handle', type: 'bytes32' },
  { name: 'scope', type: 'Scope' },
  { name: 'upToVersion', type: 'uint24' },
]
const BIND = [
  { name: 'handle', type: 'bytes32' },
  { name: 'custodian', type: 'bytes32' },
  { name: 'deadline', type: 'uint64' },
]

const hospitalA = id('urn:oid:2.999.1|hospital-a') as Hex
const hospitalB = id('urn:oid:2.999.1|hospital-b') as Hex
const group = id('a group') as Hex
const handle = id('a handle')
const scope = {
  granteeType: 'Organization',
  grantee: 'urn:oid:2.999.1|hospital-b',
  purpose: 'TREAT',
  salt: id('scope salt'),
}
const terms = {
  dataClasses: ['laboratory', 'medication'],
  sensitivities: [],
  body: `0x${'00'.repeat(32)}`,
  salt: id('terms salt'),
}
const scopeHash = TypedDataEncoder.hashStruct('Scope', { Scope: SCOPE }, scope)
const termsHash = TypedDataEncoder.hashStruct('Terms', { Terms: TERMS }, terms)
const ROOT = id('a root')

const anvil = spawn(
  anvilBinary(),
  [
    '--port',
    '0',
    '--hardfork',
    'cancun',
    '--base-fee',
    '0',
    '--gas-price',
    '0',
    '--disable-min-priority-fee',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
let provider: JsonRpcProvider
let chain: Awaited<ReturnType<typeof connect>>

beforeAll(async () => {
  provider = new JsonRpcProvider(await listening(), undefined, { cacheTimeout: -1, pollingInterval: 50 })
  chain = await connect()
})
afterAll(() => {
  provider?.destroy()
  anvil.kill('SIGTERM')
})

describe('a deployment', () => {
  test('needs no balance where gas is free, and tells its first block', async () => {
    expect(await provider.getBalance(chain.deployer.address)).toBe(0n)
    expect(chain.deployedAt).toBeGreaterThanOrEqual(1)
    for (const address of Object.values(chain.addresses)) {
      expect(await provider.getCode(address, chain.deployedAt - 1)).toBe('0x')
      expect(await provider.getCode(address)).not.toBe('0x')
    }
  })

  test('hands everything to the council: the deployer, and whoever else, keeps no role', async () => {
    const manager = AccessManager__factory.connect(chain.addresses.accessManager, provider)
    const holders = new Set<string>()
    for (const log of await provider.getLogs({ address: chain.addresses.accessManager, fromBlock: 0 })) {
      const event = manager.interface.parseLog(log)
      const who = `${event?.args.account} ${event?.args.roleId}`
      if (event?.name === 'RoleGranted') holders.add(who)
      if (event?.name === 'RoleRevoked') holders.delete(who)
    }
    const { council } = chain.addresses
    expect([...holders].sort()).toEqual(Object.values(ROLES).map((role) => `${council} ${role}`))
    expect(await manager.hasRole(ROLES.admin, chain.deployer.address)).toEqual([false, 0n])

    const { memberRegistry } = chain.addresses
    const { admit, suspend } = MemberRegistry__factory.connect(memberRegistry)
    for (const account of [chain.deployer, chain.operatorA, ...chain.seats.map(({ key }) => new Wallet(key))])
      for (const { fragment } of [admit, suspend])
        expect(await manager.canCall(account.address, memberRegistry, fragment.selector)).toEqual([false, 0n])
  })

  test('lets the council suspend at once, and do all else after fourteen days, unless told otherwise', async () => {
    const { contracts } = await deployContracts(chain.deployer, { seats: publicSeats(chain.seats) })
    const manager = AccessManager__factory.connect(contracts.accessManager, provider)
    const delays = async (target: string, functions: readonly FunctionFragment[]) =>
      Promise.all(
        functions.map(async ({ name, selector }) => {
          const [immediate, delay] = await manager.canCall(contracts.council, target, selector)
          return `${name} ${immediate ? 'at once' : Number(delay)}`
        }),
      )
    const functionsOf = ({ interface: api }: { interface: Interface }, ...names: string[]) =>
      names.map((name) => api.getFunction(name) as FunctionFragment)
    const later = 14 * 86_400
    const members = MemberRegistry__factory.connect(contracts.memberRegistry)
    const delayed = ['admit', 'reinstate', 'remove', 'setRoles', 'joinGroup', 'leaveGroup']
    expect(await delays(contracts.memberRegistry, functionsOf(members, 'suspend', ...delayed))).toEqual([
      'suspend at once',
      ...delayed.map((name) => `${name} ${later}`),
    ])
    const succession = Succession__factory.connect(contracts.succession)
    expect(await delays(contracts.succession, functionsOf(succession, 'announce'))).toEqual([
      `announce ${later}`,
    ])
    const council = Council__factory.connect(contracts.council)
    expect(await delays(contracts.council, functionsOf(council, 'setSeat'))).toEqual([`setSeat ${later}`])
    // Delays and roles themselves are changed by the council's own act, which waits as long.
    const own = functionsOf(manager, 'grantRole', 'revokeRole', 'setTargetFunctionRole', 'updateAuthority')
    expect(await delays(contracts.accessManager, own)).toEqual(own.map(({ name }) => `${name} ${later}`))
  })

  test('can be made twice on one chain by one deployer', async () => {
    const second = await deployContracts(chain.deployer, { seats: publicSeats(chain.seats) })
    expect(second.contracts.consentRegistry).not.toBe(chain.addresses.consentRegistry)
    expect(second.deployedAt).toBeGreaterThan(chain.deployedAt)
  })
})

describe('a patient signs in clear, the chain holds hashes', () => {
  test('a grant signed with its whole bodies lands with their hashes, and is read back in one call', async () => {
    const receipt = await sendGrant(1)
    expect(receipt.gasUsed, 'first grant').toBeLessThanOrEqual(70_000n)

    const reading = await chain.consents.read(handle, [id('another'), scopeHash], hospitalB, [group])
    expect(reading.blockNumber).toBe(BigInt(receipt.blockNumber))
    expect(reading.custodian).toBe(hospitalA)
    expect(reading.handleWord).toBe(0n)
    expect(reading.grantee.status).toBe(1n)
    expect(reading.joinedAt[0]).toBeGreaterThan(0n)
    expect(reading.words[0]).toBe(0n)
    const word = reading.words[1] ?? 0n
    expect(word >> 254n, 'permit').toBe(1n)
    expect((word >> 248n) & 0x3fn, 'flags').toBe(8n)
    expect((word >> 232n) & 0xffffn, 'fromDay').toBe(BigInt(await today()))
    expect((word >> 216n) & 0xffffn, 'untilDay').toBe(BigInt((await today()) + 30))
    expect((word >> 192n) & 0xffffffn, 'version').toBe(1n)
    expect((word >> 160n) & 0xffffffffn, 'minedAt').toBe(BigInt(await blockTime()))
    expect(word & ((1n << 160n) - 1n), 'terms').toBe(BigInt(termsHash) & ((1n << 160n) - 1n))
  })

  test('a renewal and a revocation stay below their gas', async () => {
    const version = await slotVersion()
    const renewal = await sendGrant(version + 1)
    expect(renewal.gasUsed, 'renewal').toBeLessThanOrEqual(53_000n)

    const message = { handle, scope, upToVersion: version + 1 }
    const types = { Revocation: REVOCATION, Scope: SCOPE }
    const signature = await chain.patient.signTypedData(chain.consentDomain, types, message)
    const hashed = { ...message, scope: scopeHash }
    const receipt = await mined(chain.consents.revoke(hashed, chain.patient.address, signature, free))
    expect(receipt.gasUsed, 'revocation').toBeLessThanOrEqual(45_000n)
    expect((await chain.consents.wordOf(handle, scopeHash)) >> 254n, 'silent').toBe(0n)
  })

  test('a refusal names what was wrong', async () => {
    const { hashed, signature } = await signGrant(9_999)
    const call = chain.consents.grant.staticCall(hashed, chain.patient.address, signature)
    await expect(call).rejects.toMatchObject({ revert: { name: 'ConsentVersionMismatch' } })

    const next = await signGrant((await slotVersion()) + 1)
    const stranger = chain.consents.grant.staticCall(next.hashed, chain.operatorA.address, next.signature)
    await expect(stranger).rejects.toMatchObject({ revert: { name: 'SignerBadSignature' } })
  })
})

test('a hundred pointers in one transaction cost at most 32,000 gas each', async () => {
  const records = RecordDirectory__factory.connect(chain.addresses.recordDirectory, chain.operatorA)
  const names = Array.from({ length: 100 }, (_, i) => `${i}`)
  const tags = names.map((name) => id(`tag ${name}`))
  const commitments = names.map((name) => id(`commitment ${name}`))
  const receipt = await mined(records.register(tags, commitments, `0x${'a5'.repeat(160 * 100)}`, free))
  expect(receipt.gasUsed).toBeLessThanOrEqual(3_200_000n)
  expect(receipt.logs).toHaveLength(100)
  expect(await records.commitmentOf(hospitalA, tags[99] ?? '')).toBe(commitments[99])
})

test('a window is anchored for the member that the sender acts for', async () => {
  const log = AccessLog__factory.connect(chain.addresses.accessLog, chain.operatorA)
  const until = await blockTime()
  await mined(log.anchor(1, until, ROOT, free))
  expect(await log.lastWindow(hospitalA)).toEqual([1n, BigInt(until)])
  expect(await log.rootOf(hospitalA, 1)).toBe(ROOT)
  const gap = log.anchor.staticCall(3, until + 1, ROOT)
  await expect(gap).rejects.toMatchObject({ revert: { name: 'AccessLogNumberMismatch' } })
})

const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }

async function connect() {
  const deployer = new Wallet(Wallet.createRandom().privateKey, provider)
  const operatorA = new Wallet(Wallet.createRandom().privateKey, provider)
  const patient = Wallet.createRandom()
  const seats = newSeats()
  const { contracts: addresses, deployedAt } = await deployContracts(deployer, {
    seats: publicSeats(seats),
    delay: 0,
    members: [
      { id: hospitalA, roles: 63, operator: operatorA.address, profile: '{}' },
      { id: hospitalB, roles: 2, operator: Wallet.createRandom().address, profile: '{}' },
    ],
  })
  await councilOf({ provider, contracts: addresses, deployedAt, seats }).joinGroup(group, hospitalB)

  const { chainId } = await provider.getNetwork()
  const domain = { version: '1', chainId }
  const patientDomain = { ...domain, name: 'Wayleave Patients', verifyingContract: addresses.patientRegistry }
  const consentDomain = { ...domain, name: 'Wayleave Consent', verifyingContract: addresses.consentRegistry }

  const deadline = (await blockTime()) + 900
  const proof = { handle, custodian: hospitalA, deadline }
  const signature = await patient.signTypedData(patientDomain, { Bind: BIND }, proof)
  const patients = PatientRegistry__factory.connect(addresses.patientRegistry, operatorA)
  await mined(patients.bind(handle, deadline, patient.address, signature, free))

  // Acts are sent by an account that has no money and is nobody: anybody may.
  const anybody = new Wallet(Wallet.createRandom().privateKey, provider)
  const consents = ConsentRegistry__factory.connect(addresses.consentRegistry, anybody)
  return { addresses, deployedAt, deployer, seats, operatorA, patient, consents, consentDomain }
}

async function signGrant(version: number) {
  const day = await today()
  const deadline = (await blockTime()) + 900
  const period = { fromDay: day, untilDay: day + 30, flags: 8 }
  const struct = { handle, scope, terms, ...period, version, epoch: 0, deadline }
  const types = { Grant: GRANT, Scope: SCOPE, Terms: TERMS }
  const signature = await chain.patient.signTypedData(chain.consentDomain, types, inWords(struct))
  return { hashed: { ...struct, scope: scopeHash, terms: termsHash }, signature }
}

async function sendGrant(version: number): Promise<TransactionReceipt> {
  const { hashed, signature } = await signGrant(version)
  return mined(chain.consents.grant(hashed, chain.patient.address, signature, free))
}

async function slotVersion(): Promise<number> {
  return Number(((await chain.consents.wordOf(handle, scopeHash)) >> 192n) & 0xffffffn)
}

async function mined(sent: Promise<ContractTransactionResponse>): Promise<TransactionReceipt> {
  return receiptOf(await sent)
}

async function blockTime(): Promise<number> {
  return (await provider.getBlock('latest'))?.timestamp ?? 0
}

async function today(): Promise<number> {
  return Math.floor((await blockTime()) / 86_400)
}

/** The platform's binary itself: a wrapper would not hand signals on. */
function anvilBinary(): string {
  const name = `anvil-${platform}-${arch === 'x64' ? 'amd64' : arch}`
  return fileURLToPath(new URL(`../../node_modules/@foundry-rs/${name}/bin/anvil`, import.meta.url))
}

function listening(): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    anvil.once('error', reject)
    anvil.once('exit', (code) => reject(new Error(`anvil ended with ${code}:\n${output}`)))
    anvil.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const address = /Listening on ([\d.:]+)/.exec(output)?.[1]
      if (address) resolve(`http://${address}`)
    })
  })
}
