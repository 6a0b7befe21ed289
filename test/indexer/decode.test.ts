import {
  AbiCoder,
  type EventFragment,
  getAddress,
  type Interface,
  id,
  type ParamType,
  zeroPadValue,
} from 'ethers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AccessLog__factory,
  AccessLogSuccessor__factory,
  AccessRequests__factory,
  AccessRequestsSuccessor__factory,
  BreakGlass__factory,
  BreakGlassSuccessor__factory,
  ConsentRegistry__factory,
  ConsentSuccessor__factory,
  type Contracts,
  Council__factory,
  MemberRegistry__factory,
  MemberRegistrySuccessor__factory,
  PatientRegistry__factory,
  PatientRegistrySuccessor__factory,
  RecordDirectory__factory,
  RecordDirectorySuccessor__factory,
  Succession__factory,
} from '../../src/chain/contracts.ts'
import { createDecoder } from '../../src/indexer/decode.ts'
import { MalformedLogError } from '../../src/indexer/event-layout.ts'
import { seeded } from '../seeded.ts'

const NAMES = [
  ...[
    'accessManager',
    'memberRegistry',
    'patientRegistry',
    'consentRegistry',
    'recordDirectory',
    'accessLog',
  ],
  ...['passkeyVerifier', 'accessRequests', 'breakGlass', 'succession', 'council'],
] as const
const contracts = Object.fromEntries(
  NAMES.map((name, i) => [name, getAddress(`0x${String(i + 1).padStart(40, 'a')}`)]),
) as Contracts

/** Each contract with its line of successors. */
const APIS: Partial<Record<keyof Contracts, Interface[]>> = {
  memberRegistry: [MemberRegistry__factory, MemberRegistrySuccessor__factory].map((f) => f.createInterface()),
  patientRegistry: [PatientRegistry__factory, PatientRegistrySuccessor__factory].map((f) =>
    f.createInterface(),
  ),
  consentRegistry: [ConsentRegistry__factory, ConsentSuccessor__factory].map((f) => f.createInterface()),
  recordDirectory: [RecordDirectory__factory, RecordDirectorySuccessor__factory].map((f) =>
    f.createInterface(),
  ),
  accessLog: [AccessLog__factory, AccessLogSuccessor__factory].map((f) => f.createInterface()),
  accessRequests: [AccessRequests__factory, AccessRequestsSuccessor__factory].map((f) => f.createInterface()),
  breakGlass: [BreakGlass__factory, BreakGlassSuccessor__factory].map((f) => f.createInterface()),
  council: [Council__factory.createInterface()],
  succession: [Succession__factory.createInterface()],
}
const CASES = (Object.entries(APIS) as [keyof Contracts, Interface[]][]).flatMap(([contract, apis]) =>
  apis.flatMap((api) => {
    const events: EventFragment[] = []
    api.forEachEvent((event) => events.push(event))
    return events.map((event) => ({ contract, api, event }))
  }),
)

const decoder = createDecoder(contracts)
const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`

function argumentOf({ type }: ParamType): fc.Arbitrary<unknown> {
  const bits = Number(/^uint(\d+)$/.exec(type)?.[1] ?? 0)
  if (bits > 0) {
    const max = 2n ** BigInt(bits) - 1n
    return fc.oneof(fc.bigInt({ min: 0n, max }), fc.constantFrom(0n, 1n, max, max >> 1n, max >> 4n))
  }
  const size = Number(/^bytes(\d+)$/.exec(type)?.[1] ?? 0)
  if (size > 0) return fc.uint8Array({ minLength: size, maxLength: size }).map(hex)
  switch (type) {
    case 'bool':
      return fc.boolean()
    case 'address':
      return fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => getAddress(hex(bytes)))
    case 'bytes':
      return fc.uint8Array({ maxLength: 400 }).map(hex)
    case 'string':
      // All that UTF-8 holds, and what JSON and the database have their own signs for.
      return fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        fc.constantFrom('', '\\"\t\n\r\0\u2028', '💊'),
      )
    default:
      throw new Error(`No values of type ${type}`)
  }
}

/** What ethers reads in the same log, put as the index has it. */
function asEthers(api: Interface, log: { topics: string[]; data: string }) {
  const parsed = api.parseLog(log)
  if (!parsed) throw new Error('ethers does not know it')
  const plain = (value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
  const args: Record<string, unknown> = {}
  const keys: string[] = []
  parsed.fragment.inputs.forEach((input, i) => {
    args[input.name] = plain(parsed.args[i])
    if (input.indexed) keys.push(String(args[input.name]))
  })
  return { name: parsed.name, key1: keys[0] ?? '', key2: keys[1] ?? '', args: JSON.stringify(args) }
}

describe('an event', () => {
  test(`of each of the ${CASES.length} kinds reads as ethers reads it, whatever its arguments are`, () => {
    const parameters = seeded({ numRuns: 50 })
    for (const { contract, api, event } of CASES) {
      const values = fc.tuple(...event.inputs.map(argumentOf))
      fc.assert(
        fc.property(values, (args) => {
          const log = api.encodeEventLog(event, args)
          const address = contracts[contract]
          const known = decoder.decode({ ...log, address })
          const named = contract.charAt(0).toUpperCase() + contract.slice(1)
          expect(known).toEqual({ contract: named, ...asEthers(api, log) })
          expect(decoder.decode({ ...log, address: address.toLowerCase() })).toEqual(known)
        }),
        parameters,
      )
    }
  })

  test('of another contract, or of a kind that is not known, is none of ours', () => {
    const api = RecordDirectory__factory.createInterface()
    const log = api.encodeEventLog('TagTaken', [id('custodian'), id('tag')])
    expect(decoder.decode({ ...log, address: `0x${'12'.repeat(20)}` })).toBeUndefined()
    expect(decoder.decode({ ...log, address: contracts.council })).toBeUndefined()
    const address = contracts.recordDirectory
    expect(
      decoder.decode({ ...log, address, topics: [id('Other()'), ...log.topics.slice(1)] }),
    ).toBeUndefined()
    expect(decoder.decode({ address, topics: [], data: '0x' })).toBeUndefined()
  })

  test('whose text is not UTF-8 is read all the same: no member can stop the index of the others', () => {
    const api = MemberRegistry__factory.createInterface()
    const data = AbiCoder.defaultAbiCoder().encode(['uint32', 'bytes'], [1, '0x7bff00c3287d'])
    const { topics } = api.encodeEventLog('ProfileSet', [id('m'), 1, ''])
    expect(() => api.parseLog({ topics, data })?.args.profile).toThrow()
    const decoded = decoder.decode({ address: contracts.memberRegistry, topics, data })
    expect(decoded?.args).toBe(`{"member":"${id('m')}","generation":"1","profile":"{\ufffd\\u0000\ufffd(}"}`)
  })
})

describe('what no contract of ours can have emitted is refused, not written:', () => {
  const address = contracts.recordDirectory
  const api = RecordDirectory__factory.createInterface()
  const good = api.encodeEventLog('RecordRegistered', [id('c'), id('t'), id('commitment'), '0x1234'])
  const members = MemberRegistry__factory.createInterface()
  const operator = members.encodeEventLog('OperatorSet', [id('m'), `0x${'ab'.repeat(20)}`, true])
  const word = (digits: string) => zeroPadValue(`0x${digits}`, 32).slice(2)
  const cases: [string, { address: string; topics: string[]; data: string }][] = [
    ['a topic too few', { ...good, address, topics: good.topics.slice(0, 2) }],
    ['a topic too many', { ...good, address, topics: [...good.topics, id('more')] }],
    [
      'a topic with other characters',
      { ...good, address, topics: [...good.topics.slice(0, 2), `0x${'"'.repeat(64)}`] },
    ],
    ['data with other characters', { ...good, address, data: `${good.data.slice(0, -1)}\t` }],
    ['data of half a byte', { ...good, address, data: good.data.slice(0, -1) }],
    ['no data', { ...good, address, data: '0x' }],
    ['data that ends before its bytes', { ...good, address, data: good.data.slice(0, 2 + 64 * 3) }],
    ['a length beyond the data', { ...good, address, data: good.data.replace(word('02'), word('21')) }],
    ['an offset beyond the data', { ...good, address, data: good.data.replace(word('40'), word('ffffff')) }],
    ['a length without end', { ...good, address, data: good.data.replace(word('02'), 'f'.repeat(64)) }],
    [
      'an account of more than 20 bytes',
      { ...operator, address: contracts.memberRegistry, topics: [...operator.topics.slice(0, 2), id('x')] },
    ],
    ['a truth value of 2', { ...operator, address: contracts.memberRegistry, data: `0x${word('02')}` }],
  ]
  test.each(cases)('%s', (_name, log) => {
    expect(decoder.decode({ ...good, address })).toBeDefined()
    expect(() => decoder.decode(log)).toThrow(MalformedLogError)
  })
})
