import { TypedDataEncoder, Wallet } from 'ethers'
import { describe, expect, test } from 'vitest'
import {
  type ActMessages,
  actDomain,
  digestOf,
  digestOfHashed,
  hashedMessage,
  scopeHash,
  termsHash,
  typedData,
  typesOf,
} from '../../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { ACTS, hash, MESSAGES, REGISTRIES } from './acts.ts'

const contract = REGISTRIES.consentRegistry.toLowerCase() as Hex
const dataOf = (act: (typeof ACTS)[number]) => typedData(act, actDomain(act, 31_337, contract), MESSAGES[act])

/** A leaf of a message changed: the same shape, another value. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (Array.isArray(value)) return [...value].reverse().concat('more')
  return typeof value === 'string' && value.startsWith('0x') ? hash(value) : `${String(value)}.`
}

/** The message with one leaf changed, once for each leaf, however deep. */
function mutants(message: Record<string, unknown>, path = ''): [string, Record<string, unknown>][] {
  return Object.entries(message).flatMap(([name, value]): [string, Record<string, unknown>][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? mutants(value as Record<string, unknown>, `${path}${name}.`).map(([at, v]) => [
          at,
          { ...message, [name]: v },
        ])
      : [[`${path}${name}`, { ...message, [name]: changed(value) }]],
  )
}

describe.each(ACTS)('the digest of a %s', (act) => {
  const data = dataOf(act)

  test('is what a wallet signs for eth_signTypedData_v4', async () => {
    const expected = TypedDataEncoder.hash(data.domain, data.types, data.message)
    expect(digestOf(data)).toBe(expected)
    const wallet = Wallet.createRandom()
    const signature = await wallet.signTypedData(data.domain, data.types, data.message)
    expect(signature).toBe(wallet.signingKey.sign(digestOf(data)).serialized)
  })

  test('is the same from the hashes of scope and terms alone, so a relayer needs neither in clear', () => {
    const hashed = hashedMessage(act, data.message)
    expect(digestOfHashed(act, data.domain, hashed)).toBe(digestOf(data))
    const text = JSON.stringify(hashed)
    for (const clear of ['hospital-é', 'TREAT', 'laboratory', 'HIV']) expect(text).not.toContain(clear)
  })

  test('changes with every field, nested ones too', () => {
    const all = mutants(MESSAGES[act])
    const digests = all.map(([, message]) =>
      digestOf({ ...data, message: message as ActMessages[typeof act] }),
    )
    expect(new Set([digestOf(data), ...digests]).size).toBe(all.length + 1)
  })

  test('changes with chain, contract, name and version of the domain', () => {
    const { domain } = data
    const others = [
      { ...domain, chainId: 1 },
      { ...domain, verifyingContract: `0x${'11'.repeat(20)}` as const },
      { ...domain, name: 'Wayleave' },
      { ...domain, version: '2' },
    ]
    const digests = [domain, ...others].map((d) => digestOf({ ...data, domain: d }))
    expect(new Set(digests).size).toBe(5)
  })

  test('is of no other act with the same values', () => {
    const hashed = hashedMessage(act, data.message)
    const everything = { ...Object.assign({}, ...ACTS.map((a) => hashedMessage(a, MESSAGES[a]))), ...hashed }
    const digests = ACTS.map((a) => digestOfHashed(a, data.domain, everything))
    expect(new Set(digests).size).toBe(ACTS.length)
  })

  test('names only the types that it uses', () => {
    expect(Object.keys(typesOf(act))[0]).toBe(act)
    expect(TypedDataEncoder.getPrimaryType(data.types)).toBe(act)
  })
})

test('lists are hashed by element: two classes are not one with both names', () => {
  const { terms } = MESSAGES.Grant
  const joined = { ...terms, dataClasses: ['laboratoryproblems'] }
  const moved = { ...terms, dataClasses: ['laboratory'], sensitivities: ['problems', 'HIV'] }
  expect(new Set([terms, joined, moved].map(termsHash)).size).toBe(3)
})

test('hexadecimal case changes no hash', () => {
  const { scope } = MESSAGES.Grant
  expect(scopeHash({ ...scope, salt: scope.salt.toUpperCase().replace('0X', '0x') as Hex })).toBe(
    scopeHash(scope),
  )
})
