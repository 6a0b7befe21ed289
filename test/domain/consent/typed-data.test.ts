import { TypedDataEncoder, Wallet } from 'ethers'
import { describe, expect, test } from 'vitest'
import {
  type ActMessages,
  actDomain,
  digestOf,
  digestOfHashed,
  hashedMessage,
  scopeHash,
  structHashOf,
  termsHash,
  typedData,
  typesOf,
} from '../../../src/domain/consent/typed-data.ts'
import { dayOfDate } from '../../../src/domain/days.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { hashes } from '../../chain/model/digests.ts'
import { ACTS, hash, MESSAGES, REGISTRIES } from './acts.ts'

const contract = REGISTRIES.consentRegistry.toLowerCase() as Hex
const dataOf = (act: (typeof ACTS)[number]) => typedData(act, actDomain(act, 31_337, contract), MESSAGES[act])

/** A leaf of a message changed: the same shape, another value. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (Array.isArray(value))
    return typeof value[0] === 'object' ? [...value].reverse() : [...value].reverse().concat('more')
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

test('every act hashes as it is written out beside the model of the contracts', () => {
  const m = MESSAGES
  const day = (date: string) => dayOfDate(date) ?? Number.NaN
  const slot = { scope: scopeHash(m.Grant.scope), terms: termsHash(m.Grant.terms) }
  const { handle } = m.Grant
  const custodian = m.Bind.custodian
  const expected: Record<(typeof ACTS)[number], Hex> = {
    Grant: hashes.grant({
      ...m.Grant,
      ...slot,
      ...{ fromDay: day(m.Grant.from), untilDay: day(m.Grant.until), flags: 0b1010 },
    }),
    Renewal: hashes.renewal({ ...m.Renewal, ...slot, untilDay: day(m.Renewal.until) }),
    Revocation: hashes.revocation({ ...m.Revocation, ...slot }),
    RevocationList: hashes.revocationList({
      handle,
      items: m.RevocationList.items.map(({ scope, upToVersion }) => ({
        scope: scopeHash(scope),
        upToVersion,
      })),
    }),
    Objection: hashes.objection({ ...m.Objection, ...slot }),
    Withdrawal: hashes.withdrawal({ ...m.Withdrawal, ...slot }),
    Bind: hashes.bind(handle, custodian, m.Bind.deadline),
    Lock: hashes.lock(handle, m.Lock.upToEpoch),
    Unlock: hashes.unlock(handle, m.Unlock.epoch, m.Unlock.deadline),
    BindGuardian: hashes.bindGuardian(handle, custodian, day(m.BindGuardian.until), m.BindGuardian.deadline),
    Delegation: hashes.delegation({
      ...m.Delegation,
      bounds: {
        ...{ acts: 0b010011, flags: 0b0010, longestDays: 90 },
        ...{ untilDay: day('2027-01-31'), scopes: m.Delegation.bounds.scopes },
      },
    }),
    DelegationEnd: hashes.delegationEnd(handle, m.DelegationEnd.delegate, m.DelegationEnd.upToVersion),
    BreakGlassOff: hashes.breakGlassOff(handle, m.BreakGlassOff.upToVersion),
    BreakGlassOn: hashes.breakGlassOn(
      ...([handle, m.BreakGlassOn.version, m.BreakGlassOn.epoch, m.BreakGlassOn.deadline] as const),
    ),
    Recovery: hashes.recovery(
      ...([handle, custodian, m.Recovery.attempt, day(m.Recovery.until), m.Recovery.deadline] as const),
    ),
    RecoveryVeto: hashes.recoveryVeto(handle, m.RecoveryVeto.attempt),
  }
  for (const act of ACTS)
    expect([act, structHashOf(act, hashedMessage(act, MESSAGES[act]))]).toEqual([act, expected[act]])
  const own = { ...m.Recovery, until: '' }
  expect(structHashOf('Recovery', own)).toBe(hashes.recovery(handle, custodian, own.attempt, 0, own.deadline))
})
