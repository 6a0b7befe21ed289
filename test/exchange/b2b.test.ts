import { describe, expect, test } from 'vitest'
import { b2bExtension, iuaExtension, pcfExtension, readAsker, shareUrn } from '../../src/exchange/b2b.ts'
import { ASKER, refusal } from './exchange-world.ts'

const claims = (changes: Record<string, unknown> = {}) => {
  const b2b: Record<string, unknown> = { ...b2bExtension(ASKER)['hl7-b2b'], ...changes }
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete b2b[name]
  return { extensions: { 'hl7-b2b': b2b } }
}
const code = (input: Record<string, unknown>) => refusal(async () => readAsker(input))

describe('who asks, and why', () => {
  test('is read back as it was written', () => {
    expect(readAsker({ extensions: b2bExtension(ASKER) })).toEqual(ASKER)
    const { userName: _none, ...nameless } = ASKER
    expect(readAsker({ extensions: b2bExtension(nameless) })).toEqual(nameless)
  })

  test.each([
    'TREAT',
    'http://terminology.hl7.org/CodeSystem/v3-ActReason#TREAT',
    'urn:oid:2.16.840.1.113883.5.8#TREAT',
  ])('takes the purpose as %s', (purpose) =>
    expect(readAsker(claims({ purpose_of_use: [purpose] })).purpose).toBe('TREAT'),
  )

  test.each(['subject_id', 'subject_role', 'organization_id'])('is refused without %s', async (name) => {
    for (const value of [undefined, null, '', 5, {}, 'x'.repeat(257)]) {
      expect(await code(claims({ [name]: value })), JSON.stringify(value)).toBe('user-missing')
    }
  })

  test('is refused without the extension, or with one that is no object', async () => {
    for (const input of [{}, { extensions: null }, { extensions: 'x' }, { extensions: { 'hl7-b2b': [] } }]) {
      expect(await code(input as Record<string, unknown>)).toBe('user-missing')
    }
  })

  test('serves one purpose: none, two, or a text in place of a list are refused', async () => {
    for (const value of [undefined, [], ['TREAT', 'HRESCH'], 'TREAT', { 0: 'TREAT', length: 1 }]) {
      expect(await code(claims({ purpose_of_use: value })), JSON.stringify(value)).toBe('purpose-missing')
    }
  })

  test('serves a purpose that there is', async () => {
    for (const value of ['treat', 'NONSENSE', '', 'x#', 'toString', 7, null, ['TREAT']]) {
      expect(await code(claims({ purpose_of_use: [value] })), JSON.stringify(value)).toBe('purpose-unknown')
    }
  })
})

describe('who asks, in the words of IHE IUA', () => {
  const role = 'http://snomed.info/sct#309343006'
  const iua = (changes: Record<string, unknown> = {}) => ({
    user: ASKER.userId,
    extensions: { ihe_iua: { ...iuaExtension(ASKER).ihe_iua, ...changes } },
  })

  test('is the same as in those of UDAP', () => {
    expect(readAsker(iua())).toEqual(ASKER)
    const coded = { ...ASKER, role }
    expect(readAsker({ sub: ASKER.userId, extensions: iuaExtension(coded) })).toEqual(coded)
  })

  test('gives way where both are there, so that nobody can be two', () => {
    const both = { ...iuaExtension({ ...ASKER, purpose: 'HRESCH' }), ...b2bExtension(ASKER) }
    expect(readAsker({ user: 'somebody else', extensions: both })).toEqual(ASKER)
  })

  test('is refused without user, role, organisation, or with another number of purposes than one', async () => {
    for (const [changes, expected] of [
      [{ subject_role: [] }, 'user-missing'],
      [{ subject_role: 7 }, 'user-missing'],
      [{ subject_organization_id: undefined }, 'user-missing'],
      [{ purpose_of_use: [] }, 'purpose-missing'],
      [{ purpose_of_use: 'TREAT' }, 'purpose-missing'],
      [{ purpose_of_use: [{ code: 'NONSENSE' }] }, 'purpose-unknown'],
      [{ purpose_of_use: [null] }, 'purpose-unknown'],
    ] as const)
      expect(await code(iua(changes)), JSON.stringify(changes)).toBe(expected)
    expect(await code({ extensions: iua().extensions })).toBe('user-missing')
    expect(await code({ extensions: { ihe_iua: null } })).toBe('user-missing')
  })
})

describe('under which consent a token was issued', () => {
  test('is told by the share alone: no identifier of the person, no id of a Consent, no slot', () => {
    const reference = Buffer.from('00112233445566778899aabbccddeeff', 'hex').toString('base64url')
    expect(shareUrn(reference)).toBe('urn:uuid:00112233-4455-6677-8899-aabbccddeeff')
    expect(pcfExtension(reference).ihe_pcf).toMatchObject({
      patient_id: shareUrn(reference),
      doc_id: [shareUrn(reference)],
    })
  })
})
