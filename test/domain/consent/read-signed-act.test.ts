import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readHashedAct, readSignedAct } from '../../../src/domain/consent/read-signed-act.ts'
import { type ActName, actDomain, hashedMessage, typedData } from '../../../src/domain/consent/typed-data.ts'
import { seeded } from '../../seeded.ts'
import { ACTS, HELPER, MESSAGES, REGISTRIES } from './acts.ts'

const PATIENT_ACTS = [
  ...['Bind', 'Lock', 'Unlock', 'BindGuardian', 'Delegation', 'DelegationEnd'],
  ...['BreakGlassOff', 'BreakGlassOn', 'Recovery', 'RecoveryVeto'],
]
const NARROWS = ['Revocation', 'RevocationList', 'Objection', 'Lock', 'DelegationEnd', 'BreakGlassOff']
const signer = `0x${'ab'.repeat(20)}`
const signature = `0x${'cd'.repeat(65)}`
const registryOf = (act: ActName) =>
  PATIENT_ACTS.includes(act) ? REGISTRIES.patientRegistry : REGISTRIES.consentRegistry

/** What a program sends for an act: plain JSON. */
function sent(act: ActName) {
  const domain = actDomain(act, REGISTRIES.chainId, registryOf(act))
  const helper = act === 'Delegation' ? { helper: HELPER } : {}
  return JSON.parse(
    JSON.stringify({ typedData: typedData(act, domain, MESSAGES[act]), signer, signature, ...helper }),
  )
}
function sentHashed(act: ActName) {
  const whole = sent(act)
  return {
    ...whole,
    typedData: { ...whole.typedData, message: hashedMessage(act, MESSAGES[act]) },
    sealed: 'a.b.c.d.e',
  }
}
const codeOf = (read: () => unknown): unknown => {
  try {
    read()
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return 'accepted'
}
const refusal = (input: unknown) => codeOf(() => readSignedAct(input, REGISTRIES))
const refusalHashed = (input: unknown) => codeOf(() => readHashedAct(input, REGISTRIES))

/** The input with the value at a path replaced; `undefined` takes it away. */
function withAt(input: unknown, path: string, value: unknown): unknown {
  const copy = structuredClone(input) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop() ?? ''
  const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, copy)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

describe.each(ACTS)('a signed %s', (act) => {
  test('is read as it was signed, the signer in lower case', () => {
    const read = readSignedAct(withAt(sent(act), 'signer', `0x${'AB'.repeat(20)}`), REGISTRIES)
    expect(read.typedData.message).toEqual(MESSAGES[act])
    expect(read.signer).toBe(signer)
    expect(read.typedData.domain.verifyingContract).toBe(registryOf(act).toLowerCase())
  })

  test('is refused when a field is missing, null, of another type, or one too many', () => {
    for (const [name, good] of Object.entries(MESSAGES[act])) {
      const other = typeof good === 'boolean' ? 1 : true
      // A recovery to the patient's own key has no last day.
      const empty = act === 'Recovery' && name === 'until' ? [] : ['']
      for (const value of [undefined, null, other, [], {}, -1, 1.5, 2 ** 53, ...empty, '0x', '7'])
        expect(
          refusal(withAt(sent(act), `typedData.message.${name}`, value)),
          `${name} ${JSON.stringify(value)}`,
        ).toBe('typed-data-invalid')
    }
    expect(refusal(withAt(sent(act), 'typedData.message.extra', 1))).toBe('typed-data-invalid')
  })

  test('takes its types from us, whatever was sent with it', () => {
    const types = { [act]: [{ name: 'anything', type: 'bytes32' }] }
    const read = readSignedAct(withAt(sent(act), 'typedData.types', types), REGISTRIES)
    expect(read.typedData.types).toEqual(sent(act).typedData.types)
  })

  test('is refused for another chain, contract, name or version', () => {
    const at = (path: string, value: unknown) => refusal(withAt(sent(act), `typedData.domain.${path}`, value))
    const other = PATIENT_ACTS.includes(act) ? REGISTRIES.consentRegistry : REGISTRIES.patientRegistry
    expect(at('chainId', 1)).toBe('wrong-chain')
    expect(at('chainId', undefined)).toBe('wrong-chain')
    expect(at('chainId', '31337')).toBe('accepted')
    expect(at('verifyingContract', other)).toBe('wrong-contract')
    expect(at('verifyingContract', undefined)).toBe('wrong-contract')
    expect(at('name', 'Wayleave')).toBe('typed-data-invalid')
    expect(at('version', '2')).toBe('typed-data-invalid')
    expect(refusal(withAt(sent(act), 'typedData.domain', null))).toBe('typed-data-invalid')
  })

  test('counts if signed for a predecessor of its registry where it narrows, and never where it widens', () => {
    const predecessor = `0x${'0d'.repeat(20)}`
    const line = [`0x${'0c'.repeat(20)}`, predecessor]
    const ofPatients = PATIENT_ACTS.includes(act)
    const older = {
      ...REGISTRIES,
      predecessors: ofPatients ? { patientRegistry: line } : { consentRegistry: line },
    }
    const given = withAt(
      sent(act),
      'typedData.domain.verifyingContract',
      predecessor.toUpperCase().replace('X', 'x'),
    )
    const read = () => readSignedAct(given, older).typedData.domain.verifyingContract
    if (NARROWS.includes(act)) expect(read()).toBe(predecessor)
    else expect(read).toThrow(expect.objectContaining({ code: 'wrong-contract' }) as Error)
    expect(refusal(given)).toBe('wrong-contract')
    const ofTheOther = {
      ...REGISTRIES,
      predecessors: { [ofPatients ? 'consentRegistry' : 'patientRegistry']: line },
    }
    expect(() => readSignedAct(given, ofTheOther)).toThrow()
    expect(readSignedAct(sent(act), older)).toEqual(readSignedAct(sent(act), REGISTRIES))
  })

  test('is refused without a whole signer and signature', () => {
    for (const [name, value] of [
      ['signer', undefined],
      ['signer', `0x${'ab'.repeat(19)}`],
      ['signer', `0x${'zz'.repeat(20)}`],
      ['signature', undefined],
      ['signature', '0x'],
      ['signature', `0x${'cd'.repeat(64)}`],
      ['signature', 5],
    ] as const) {
      expect(refusal(withAt(sent(act), name, value)), `${name} ${value}`).toBe('signature-invalid')
    }
  })
})

describe('scope and terms in clear', () => {
  const at = (path: string, value: unknown) =>
    refusal(withAt(sent('Grant'), `typedData.message.${path}`, value))

  test.each([
    ['a kind of grantee that there is not', 'scope.granteeType', 'Person'],
    ['a kind of grantee that every object has', 'scope.granteeType', 'constructor'],
    ['a grantee of 513 characters', 'scope.grantee', 'x'.repeat(513)],
    ['a lone surrogate, which no wallet can sign', 'scope.grantee', '\ud800'],
    ['a salt of 31 bytes', 'scope.salt', `0x${'00'.repeat(31)}`],
    ['a field too many', 'scope.note', 'x'],
    ['a field too few', 'scope.purpose', undefined],
    ['classes that are no list', 'terms.dataClasses', 'problems'],
    ['a class that is no text', 'terms.dataClasses', [1]],
    ['65 classes', 'terms.dataClasses', Array(65).fill('x')],
    ['a kind of 65 characters', 'terms.sensitivities', ['x'.repeat(65)]],
    ['a body that is no hash', 'terms.body', 'none'],
    ['a list where the terms belong', 'terms', []],
    ['a hash where the scope belongs', 'scope', `0x${'00'.repeat(32)}`],
  ])('are refused with %s', (_what, path, value) => expect(at(path, value)).toBe('typed-data-invalid'))

  test.each([
    ['version', 2 ** 24],
    ['epoch', 2 ** 32],
  ])('%s is refused beyond its type', (name, value) => {
    expect(at(name, value)).toBe('typed-data-invalid')
    expect(at(name, value - 1)).toBe('accepted')
  })

  test.each([
    ['no date', 'tomorrow'],
    ['a day that no month has', '2026-02-30'],
    ['an instant', '2026-11-21T00:00:00Z'],
    ['a number of days', 20_778],
    ['a day before 1970', '1969-12-31'],
    ['a day that the chain has no room for', '2149-06-07'],
  ])('a period with %s is refused', (_what, value) => {
    expect(at('from', value)).toBe('typed-data-invalid')
    expect(at('until', value)).toBe('typed-data-invalid')
  })

  test.each(['snapshotOnly', 'mayBeReferredOn', 'needsApproval', 'laterMembersToo'])(
    '%s is yes or no, and nothing that passes for it',
    (flag) => {
      for (const value of [0, 1, 'true', null, undefined]) expect(at(flag, value)).toBe('typed-data-invalid')
      expect(at(flag, true)).toBe('accepted')
    },
  )
})

describe('what narrows', () => {
  test.each([
    ['Revocation', 'upToVersion', 2 ** 24],
    ['Objection', 'upToVersion', 2 ** 24],
    ['RevocationList', 'items.0.upToVersion', 2 ** 24],
    ['DelegationEnd', 'upToVersion', 2 ** 24],
    ['BreakGlassOff', 'upToVersion', 2 ** 16],
    ['Lock', 'upToEpoch', 2 ** 32],
  ] as const)('a %s up to the last there is, which no contract takes, is refused', (act, name, end) => {
    const at = (value: number) => refusal(withAt(sent(act), `typedData.message.${name}`, value))
    expect(at(end - 1)).toBe('typed-data-invalid')
    expect(at(end - 2)).toBe('accepted')
    const hashed = sentHashed(act)
    expect(refusalHashed(withAt(hashed, `typedData.message.${name}`, end - 1))).toBe('typed-data-invalid')
  })
})

describe('bounds and lists in clear', () => {
  const item = MESSAGES.RevocationList.items[0]
  test.each([
    ['an act that there is not', 'Delegation', 'bounds.mayEverything', true],
    ['a right that is no yes or no', 'Delegation', 'bounds.mayGrant', 1],
    ['a right left out', 'Delegation', 'bounds.mayUnlock', undefined],
    ['an end that is no date', 'Delegation', 'bounds.until', ''],
    ['a longest period beyond its type', 'Delegation', 'bounds.longestDays', 2 ** 16],
    ['scopes that are no hash', 'Delegation', 'bounds.scopes', 'all'],
    ['no bounds', 'Delegation', 'bounds', null],
    ['nothing in the list', 'RevocationList', 'items', []],
    ['more than one signature revokes', 'RevocationList', 'items', Array(257).fill(item)],
    ['an item with something more', 'RevocationList', 'items.0.note', 'x'],
    ['an item that names its slot by a hash', 'RevocationList', 'items.0.scope', `0x${'00'.repeat(32)}`],
  ] as const)('are refused with %s', (_what, act, path, value) =>
    expect(refusal(withAt(sent(act), `typedData.message.${path}`, value))).toBe('typed-data-invalid'),
  )
})

describe('the scopes that a helper may widen', () => {
  test.each([
    ['are left out', 'helper', undefined],
    ['are fewer than the root names', 'helper.scopes', HELPER.scopes.slice(1)],
    ['are others', 'helper.scopes', HELPER.scopes.map((one) => ({ ...one, purpose: 'TREAT' }))],
    ['are there for bounds that hold for all', 'typedData.message.bounds.scopes', `0x${'00'.repeat(32)}`],
    ['are no scopes', 'helper.scopes', ['TREAT', 'HRESCH']],
  ])('are refused where they %s', (_what, path, value) =>
    expect(refusal(withAt(sent('Delegation'), path, value))).toBe('typed-data-invalid'),
  )

  test('come along with a name of at most 80 characters', () => {
    expect(readSignedAct(sent('Delegation'), REGISTRIES).helper).toEqual(HELPER)
    expect(refusal(withAt(sent('Delegation'), 'helper.name', 'x'.repeat(81)))).toBe('typed-data-invalid')
    expect(refusal(withAt(sent('Delegation'), 'helper.name', ' '))).toBe('typed-data-invalid')
  })
})

describe('the form for strangers', () => {
  const RELAYED = ACTS.filter((act) => !['Bind', 'BindGuardian', 'Recovery'].includes(act))

  test.each(RELAYED)('takes a %s with hashes in place of bodies', (act) => {
    const read = readHashedAct(sentHashed(act), REGISTRIES)
    expect(read).toMatchObject({
      act,
      message: hashedMessage(act, MESSAGES[act]),
      sealed: 'a.b.c.d.e',
      signer,
    })
  })

  test('refuses bodies in clear, so that nobody shows them by mistake', () => {
    for (const act of ['Grant', 'Revocation', 'Objection', 'Withdrawal'] as const) {
      expect(refusalHashed({ ...sent(act), sealed: 'a.b.c.d.e' }), act).toBe('typed-data-invalid')
    }
    expect(refusal(sentHashed('Grant'))).toBe('typed-data-invalid')
  })

  test.each(['Bind', 'BindGuardian', 'Recovery'] as const)(
    'refuses a %s, which only the custodian takes',
    (act) => expect(refusalHashed(sentHashed(act))).toBe('typed-data-invalid'),
  )

  test.each([undefined, '', 'a.b.c', 5, `a.b.c.d.${'x'.repeat(65_536)}`])(
    'refuses what is not sealed',
    (sealed) => {
      expect(refusalHashed(withAt(sentHashed('Lock'), 'sealed', sealed))).toBe('typed-data-invalid')
    },
  )
})

test('any JSON at all is read or refused with a code, never with another error', () => {
  const codes = [
    'accepted',
    ...['typed-data-invalid', 'wrong-chain', 'wrong-contract', 'signature-invalid'],
    ...['consent-body-missing', 'consent-body-mismatch'],
  ]
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.record({
      typedData: fc.record({
        primaryType: fc.constantFrom(...ACTS, '__proto__', 'toString'),
        domain: fc.constantFrom(sent('Grant').typedData.domain, {}, null),
        message: fc.oneof(fc.jsonValue(), fc.constant(MESSAGES.Grant)),
      }),
      signer: fc.constantFrom(signer, '0x'),
      signature: fc.jsonValue(),
      sealed: fc.string(),
    }),
  )
  fc.assert(
    fc.property(anything, (input) => {
      expect(codes).toContain(refusal(input))
      expect(codes).toContain(refusalHashed(input))
    }),
    seeded({ numRuns: 1_000 }),
  )
})
