/**
 * By what an AuditEvent is found, beside its date and its patient: search parameters of FHIR R4 and ITI-81, and three of
 * ours. Each is a token (FHIR R4 §3.1.1.4.10): `code`, `system|code`, or `|code` where there is no system.
 */
import type { AuditEvent, Coding, Identifier, Reference } from 'fhir/r4.js'

type Token = { system?: string | undefined; code?: string | undefined }
type Reader = (event: AuditEvent) => Token[]

const ofCoding = ({ system, code }: Coding): Token => ({ system, code })
const ofIdentifier = ({ system, value }: Identifier): Token => ({ system, code: value })
const given = <T>(x: T | undefined): T[] => (x === undefined ? [] : [x])

const identifiersOf = (references: (Reference | undefined)[]): Token[] =>
  references.flatMap((one) => given(one?.identifier)).map(ofIdentifier)
const literalsOf = (references: (Reference | undefined)[]): Token[] =>
  references.flatMap((one) => given(one?.reference)).map((reference) => ({ code: reference }))
const agents = ({ agent }: AuditEvent) => agent.map(({ who }) => who)
const entities = ({ entity = [] }: AuditEvent) => entity.map(({ what }) => what)

const READERS = {
  _id: ({ id }) => [{ code: id }],
  // the kind of entry, as our code system has it
  _tag: ({ meta }) => (meta?.tag ?? []).map(ofCoding),
  action: ({ action }) => [{ code: action }],
  agent: (event) => [...literalsOf(agents(event)), ...identifiersOf(agents(event))],
  'agent.identifier': (event) => identifiersOf(agents(event)),
  entity: (event) => [...literalsOf(entities(event)), ...identifiersOf(entities(event))],
  'entity.identifier': (event) => identifiersOf(entities(event)),
  'entity-role': ({ entity = [] }) => entity.flatMap(({ role }) => given(role)).map(ofCoding),
  'entity-type': ({ entity = [] }) => entity.flatMap(({ type }) => given(type)).map(ofCoding),
  outcome: ({ outcome }) => [{ code: outcome }],
  // the Consent that decided or changed: BALP names it as an entity
  policy: ({ entity = [] }) =>
    literalsOf(entity.filter(({ type }) => type?.code === 'Consent').map(({ what }) => what)),
  purpose: ({ purposeOfEvent = [] }) => purposeOfEvent.flatMap(({ coding = [] }) => coding).map(ofCoding),
  'source.identifier': ({ source }) => identifiersOf([source.observer]),
  subtype: ({ subtype = [] }) => subtype.map(ofCoding),
  type: ({ type }) => [ofCoding(type)],
} as const satisfies Record<string, Reader>

export type TermParameter = keyof typeof READERS

export const TERM_PARAMETERS = Object.keys(READERS) as TermParameter[]

export const isTermParameter = (name: string): name is TermParameter => Object.hasOwn(READERS, name)

/** What stands for one value of one parameter. */
export const termOf = (parameter: TermParameter, value: string): string => `${parameter}=${value}`

/** All terms by which an event is found: each code with its system and without. */
export function termsOf(event: AuditEvent): string[] {
  const terms = TERM_PARAMETERS.flatMap((parameter) =>
    READERS[parameter](event).flatMap(({ system = '', code }: Token) =>
      code === undefined ? [] : [termOf(parameter, code), termOf(parameter, `${system}|${code}`)],
    ),
  )
  return [...new Set(terms)]
}
