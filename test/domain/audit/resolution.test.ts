import { describe, expect, test } from 'vitest'
import { readResolutionRequest } from '../../../src/domain/audit/resolution.ts'

const handle = `0x${'ab'.repeat(32)}`
const read = (change: object) =>
  readResolutionRequest({
    handle,
    reason: 'misuse-inquiry',
    note: 'Complaint 2026-014 of the ward',
    ...change,
  })

describe('Whoever asks whose handle it is', () => {
  test('names a handle, a reason of the list, and says more in a few words', () => {
    expect(read({})).toEqual({ handle, reason: 'misuse-inquiry', note: 'Complaint 2026-014 of the ward' })
    expect(read({ handle: handle.toUpperCase().replace('0X', '0x') }).handle).toBe(handle)
  })

  test.each([{ handle: '0x12' }, { handle: undefined }, { handle: [handle] }, { patient: 'x' }])(
    'is refused with %o, which names no handle',
    (change) => {
      expect(() => read(change)).toThrow(expect.objectContaining({ code: 'request-invalid' }))
    },
  )

  test.each(['curiosity', '', undefined, 'toString'])('is refused for the reason %s', (reason) => {
    expect(() => read({ reason })).toThrow(expect.objectContaining({ code: 'resolution-reason' }))
  })

  test.each([
    '',
    'short',
    '...............',
    'x'.repeat(201),
    'two lines\nof words here',
    'the patient 999939841 asked',
    'the patient 999-939-841 asked',
    'the patient ９９９９３９８４１ asked',
    'born on 1984-03-02, asked herself',
    'born on 2. 3. 1984 0 1, asked herself',
    'called from +31 20 123 4567 again',
    'wrote from somebody@mail.example again',
    'see https://his.example/patients/7',
    'it is Patient/anna of the ward',
    'it is 0xabababababababababab again',
    'file 3f2504e0-4f89-11d3-9a0c-0305e82c3301',
  ])('is refused with the words "%s"', (note) => {
    expect(() => read({ note })).toThrow(expect.objectContaining({ code: 'resolution-reason' }))
  })
})
