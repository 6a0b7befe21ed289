import { expect, test } from 'vitest'
import { OPERATIONS } from '../../src/broker/http/api/operations.ts'
import { read } from './documents.ts'
import { unlike, unlikeText } from './run-page.ts'

const page = read('docs/integrate.md')

/** Variables of the page that hold an address, and that address. */
const ADDRESSES: readonly (readonly [RegExp, string])[] = [
  [/"\$CLIENT"/g, '"$BROKER/auth/clients/X"'],
  [/"\$URL"/g, '"$BROKER/fhir/Binary/X"'],
  [/"\$CONSENT/g, '"$BROKER/fhir/Consent/X'],
  [/"\$TASK/g, '"$BROKER/fhir/Task/X'],
  [/"\$SUBSCRIPTION/g, '"$BROKER/fhir/Subscription/X'],
]

/** The page's shell, command by command: lines that go on are one. */
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .map(([, text = '']) => text.replaceAll(/\\\n\s*/g, ' ').replaceAll('\\$', '$'))
  .map((text) => ADDRESSES.reduce((found, [name, address]) => found.replaceAll(name, address), text))
  .flatMap((text) => text.split(/[\n|]/))
  .flatMap((text) =>
    text.includes('$WORD')
      ? ['confirmation', 'rejection'].map((word) => text.replace('$WORD', word))
      : [text],
  )

/** An address as the table of operations has it: whatever is filled in is X. */
const inGeneral = (path: string) =>
  path
    .replaceAll(/\$\([^)]*\)+|\$(?:EVENT|AT|ENROLMENT|CASE|RECOVERY|RUN)\b/g, 'X')
    .replace(/^\/shared\/fhir\/\w+/, '/shared/fhir/X')
    .replace(/\/attachment\/\d+$/, '/attachment/X')
    .replace(/^\/reports\/[\w-]+/, '/reports/X')
    .replace('/identity-events/none', '/identity-events/X')

/** Each call that the page makes, by method and address. */
const calls = commands.flatMap((command) => {
  const [, by, path = ''] =
    /\b(curl|at|send) .*?"\$(?:BROKER|CUSTODIAN|1)(\/(?:[^"?$]|\$\([^)]*\)|\$\w+)*)/.exec(command) ?? []
  if (by === undefined) return []
  const given = /-X (\w+)/.exec(command)?.[1]
  const isSent = by === 'send' || (/ (?:-d|--data-urlencode) /.test(command) && !command.includes(' -G '))
  return [`${given ?? (isSent ? 'POST' : 'GET')} ${inGeneral(path)}`]
})

test('every call that a hospital’s programs can make is made with curl on the page', () => {
  // Patients' devices, other brokers, supervision and the console have guides of their own.
  const elsewhere = ['patient', 'exchange', 'operation', 'console']
  const wanted = Object.entries(OPERATIONS)
    .filter(([, { tag }]) => !elsewhere.includes(tag))
    // A base is written with and without a slash behind it.
    .map(([name]) => name.replaceAll(/:\w+/g, 'X').replace(/\/$/, ''))
  expect(wanted.filter((name) => !calls.includes(name))).toEqual([])
  expect(wanted.length).toBeGreaterThan(35)
})

test('an answer that is not as the page shows it is told, and so is one that is missing', () => {
  const shown = { a: [{ id: 'urn:uuid:5a9fb0c3-2c0e-8d65-8f21-6a1b0a3c9d10', n: 1 }] }
  const other = 'urn:uuid:00000000-2c0e-8d65-8f21-6a1b0a3c9d10'
  expect(unlike(shown, { a: [{ id: other, n: 1, more: true }], b: 2 })).toEqual([])
  expect(unlike(shown, { a: [{ id: other, n: 2 }] })).toEqual(['/a/0/n: 1 is 2'])
  expect(unlike(shown, { a: [] })).toHaveLength(1)
  expect(unlike({ a: 'x' }, { a: 'y' })).toHaveLength(1)
  expect(unlikeText('true\n204', 'true\n204\n')).toEqual([])
  expect(unlikeText('true', 'true\n204')).toHaveLength(1)
  expect(unlikeText('204', '409')).toHaveLength(1)
})
