import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditEvent, FhirResource, OperationOutcome } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildAuditEvent } from '../../src/domain/audit/audit-event.ts'
import { type Emitted, emittedByBrokers, NEVER_EMITTED } from './emitted.ts'
import { startTestHapi, type TestHapi } from './hapi-server.ts'

const folder = join(import.meta.dirname, '../../fhir/definitions')
const files = readdirSync(folder).sort()
const read = (file: string) =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as FhirResource & { id: string }
const profileOf = (id: string) => `https://wayleave.example/fhir/StructureDefinition/${id}`

/** Which profile of ours a resource of a broker's must keep. */
const PROFILES: Readonly<Record<string, string>> = {
  AuditEvent: profileOf('wayleave-audit-event'),
  Consent: profileOf('wayleave-consent'),
  DocumentReference: profileOf('wayleave-document-reference'),
  Task: profileOf('wayleave-task'),
}

const BALP = 'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit'
/** What says again, here, what a profile of IHE BALP demands; that package is on no registry that a test may reach. */
const RESTATED: Readonly<Record<string, string>> = {
  [`${BALP}.PatientQuery`]: profileOf('balp-patient-query'),
  [`${BALP}.PrivacyDisclosure.Source`]: profileOf('balp-disclosure-source'),
  [`${BALP}.PrivacyDisclosure.Recipient`]: profileOf('balp-disclosure-recipient'),
  [`${BALP}.AuthZconsent`]: profileOf('balp-authz-consent'),
}

/** Errors that say nothing of ours is wrong, only that something is not there to judge by. Nothing else is excused. */
const EXCUSED: readonly [reason: string, error: RegExp][] = [
  [
    'The profiles of IHE BALP are not in R4, and nothing is fetched',
    /Profile reference 'https:\/\/profiles\.ihe\.net\/ITI\/BALP\/StructureDefinition\/IHE\.BasicAudit\.(PatientQuery|AuthZconsent|PrivacyDisclosure\.(Source|Recipient))' has not been checked because it could not be found/,
  ],
  [
    'PREGNANT came into v3-ActCode after the copy of it that R4 holds',
    /Unknown code 'http:\/\/terminology\.hl7\.org\/CodeSystem\/v3-ActCode#PREGNANT'$/,
  ],
]

/** HAPI 8.8 says this of every extension, however simple: a test below shows it. */
const NO_SNAPSHOT = /Error generating Snapshot: Unable to resolve package id hl7\.fhir\.r4\.core#null/

let hapi: TestHapi
let base: string
let emitted: Emitted[]
beforeAll(async () => {
  hapi = await startTestHapi('definitions')
  base = hapi.servers.definitions?.base ?? ''
  for (const file of files) {
    const resource = read(file)
    const { status } = await send('PUT', `${resource.resourceType}/${resource.id}`, resource)
    expect([file, status]).toEqual([file, 201])
  }
  emitted = await emittedByBrokers()
}, 300_000)
afterAll(() => hapi?.stop())

async function send(method: string, path: string, body: unknown) {
  const headers = { 'content-type': 'application/fhir+json' }
  const answer = await fetch(`${base}/${path}`, { method, headers, body: JSON.stringify(body) })
  return { status: answer.status, body: (await answer.json()) as OperationOutcome }
}

/** What HAPI FHIR holds against a resource, by R4 and by a profile (`$validate`). */
async function errorsIn(resource: FhirResource, profile?: string): Promise<string[]> {
  const { resourceType } = resource
  const query = profile ? `?profile=${encodeURIComponent(profile)}` : ''
  // What is itself Parameters would be taken for the operation's own.
  const body =
    resourceType === 'Parameters' ? { resourceType, parameter: [{ name: 'resource', resource }] } : resource
  const outcome = (await send('POST', `${resourceType}/$validate${query}`, body)).body
  return outcome.issue
    .filter(({ severity }) => severity === 'error' || severity === 'fatal')
    .map(({ location, diagnostics }) => `${location?.[0]}: ${diagnostics}`)
}

describe('By HAPI FHIR’s judgement,', () => {
  test.each(files)('%s is what FHIR R4 says it must be', async (file) => {
    const errors = await errorsIn(read(file))
    const isExtension = (read(file) as { type?: unknown }).type === 'Extension'
    expect(errors.filter((error) => !(isExtension && NO_SNAPSHOT.test(error)))).toEqual([])
  })

  test('the one thing said of our extensions is said of an extension that asks for nothing', async () => {
    const errors = await errorsIn({
      resourceType: 'StructureDefinition',
      url: 'https://wayleave.example/fhir/StructureDefinition/nothing',
      name: 'Nothing',
      status: 'draft',
      fhirVersion: '4.0.1',
      kind: 'complex-type',
      abstract: false,
      context: [{ type: 'element', expression: 'AuditEvent' }],
      type: 'Extension',
      baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Extension',
      derivation: 'constraint',
      differential: { element: [{ id: 'Extension', path: 'Extension' }] },
    })
    expect(errors).toEqual([expect.stringMatching(NO_SNAPSHOT)])
  })

  test('whatever brokers say in FHIR is R4, and keeps our profile where there is one', async () => {
    const met = new Set<string>()
    const errors: string[] = []
    for (const { about, resource } of emitted) {
      for (const error of await errorsIn(resource, PROFILES[resource.resourceType])) {
        const [reason] = EXCUSED.find(([, excused]) => excused.test(error)) ?? []
        if (reason === undefined) errors.push(`${about}: ${resource.resourceType} ${error}`)
        else met.add(reason)
      }
    }
    expect(errors).toEqual([])
    // An excuse that nobody needs any more is to go.
    expect([...met].sort()).toEqual(EXCUSED.map(([reason]) => reason).sort())
    const types = new Set(emitted.map(({ resource }) => resource.resourceType))
    expect([...types].sort()).toEqual([
      'AuditEvent',
      'Bundle',
      'CapabilityStatement',
      'Consent',
      'DocumentReference',
      'OperationOutcome',
      'Parameters',
      'Task',
    ])
  }, 120_000)

  test('each line that claims a profile of IHE BALP keeps what that demands, as we say it again', async () => {
    const claimed = new Set<string>()
    const errors: string[] = []
    for (const { resource } of emitted) {
      const [profile = ''] = resource.resourceType === 'AuditEvent' ? (resource.meta?.profile ?? []) : []
      const restated = RESTATED[profile]
      if (restated === undefined) continue
      claimed.add(profile)
      errors.push(...unexcused(await errorsIn(resource, restated)))
    }
    expect(errors).toEqual([])
    expect([...claimed].sort()).toEqual([
      `${BALP}.PatientQuery`,
      `${BALP}.PrivacyDisclosure.Recipient`,
      `${BALP}.PrivacyDisclosure.Source`,
    ])
  }, 120_000)

  test.each(NEVER_EMITTED)(
    'an audit event of kind %s, which nothing in that network brings about, would be R4',
    async (kind) => {
      const party = (value: string) => ({
        id: `0x${value}`,
        name: value,
        identifier: { system: 'urn:x', value },
      })
      const event = buildAuditEvent({
        id: 'e1',
        recorded: '2026-11-21T14:00:00.000Z',
        kind,
        outcome: '0',
        custodian: party('a'),
        requester: party('b'),
      })
      expect(await errorsIn(event, PROFILES.AuditEvent)).toEqual([])
    },
  )
})

const unexcused = (errors: string[]) => errors.filter((error) => !EXCUSED.some(([, one]) => one.test(error)))

/** A decision whose Consent, user and program are all known, as BALP wants them. */
const decided = () => {
  const party = (value: string) => ({ id: `0x${value}`, name: value, identifier: { system: 'urn:x', value } })
  return buildAuditEvent({
    ...{
      id: 'e1',
      recorded: '2026-11-21T14:00:00.000Z',
      kind: 'refusal',
      outcome: '8',
      reason: 'wrong-purpose',
    },
    ...{
      custodian: party('a'),
      requester: party('b'),
      user: { id: 'u1', name: 'Dr. Vos', role: 'physician' },
    },
    ...{
      client: { id: 'his' },
      patient: { reference: 'Patient/p1' },
      purpose: 'TREAT',
      policy: 'Consent/c1',
    },
  })
}

describe('What we say again of IHE BALP', () => {
  test('takes a decision as our brokers would record it', async () => {
    const event = decided()
    expect(event.meta?.profile).toEqual([`${BALP}.AuthZconsent`])
    expect(unexcused(await errorsIn(event, profileOf('balp-authz-consent')))).toEqual([])
  })

  const one = (profile: string) =>
    structuredClone(
      profile === `${BALP}.AuthZconsent`
        ? decided()
        : (emitted.find(({ resource }) => resource.meta?.profile?.[0] === profile)?.resource as AuditEvent),
    )
  const drop = (event: AuditEvent, code: string) => {
    event.agent = event.agent.filter(({ type }) => type?.coding?.[0]?.code !== code)
  }

  test.each<[string, string, (event: AuditEvent) => void]>([
    ['PrivacyDisclosure.Source', 'without its source', (event) => drop(event, '110153')],
    ['PrivacyDisclosure.Source', 'without what was disclosed', ({ entity }) => entity?.splice(1)],
    ['PrivacyDisclosure.Source', 'that does not say so', (event) => Object.assign(event, { subtype: [] })],
    [
      'PrivacyDisclosure.Recipient',
      'that is an export',
      ({ type }) => Object.assign(type, { code: '110106' }),
    ],
    [
      'PrivacyDisclosure.Recipient',
      'recorded by another',
      ({ source }) => Object.assign(source.observer, { display: 'Somebody' }),
    ],
    [
      'PatientQuery',
      'without its query',
      (event) => Object.assign(event, { entity: event.entity?.slice(0, 1) }),
    ],
    ['PatientQuery', 'that failed', (event) => Object.assign(event, { outcome: '8' })],
    ['AuthZconsent', 'without its consent', ({ entity }) => entity?.splice(1)],
    ['AuthZconsent', 'with something else beside it', ({ entity }) => entity?.push({ type: { code: 'x' } })],
  ])('refuses %s %s', async (profile, _what, spoil) => {
    const event = one(`${BALP}.${profile}`)
    const restated = RESTATED[`${BALP}.${profile}`]
    expect(unexcused(await errorsIn(event, restated))).toEqual([])
    spoil(event)
    expect(unexcused(await errorsIn(event, restated))).not.toEqual([])
  })
})

describe('Our profiles refuse', () => {
  const first = <T extends FhirResource>(type: T['resourceType'], holds: (resource: T) => unknown) =>
    structuredClone(
      emitted
        .map(({ resource }) => resource as T)
        .find((one) => one.resourceType === type && holds(one)) as T,
    )
  const anchored = () =>
    first<AuditEvent>('AuditEvent', ({ extension }) =>
      extension?.some(({ url }) => url.endsWith('chain-event')),
    )

  test.each<[string, (event: AuditEvent) => void]>([
    ['an event of the chain without its block', ({ extension }) => extension?.[0]?.extension?.shift()],
    ['a kind that stands in no code system of ours', ({ meta }) => delete meta?.tag?.[0]?.system],
    ['a recorder who took no part', ({ source }) => Object.assign(source.observer, { display: 'Somebody' })],
    [
      'two who asked',
      (event) => event.agent.push(...['x', 'y'].map((display) => ({ who: { display }, requestor: true }))),
    ],
  ])('an audit event: %s', async (_what, spoil) => {
    const event = anchored()
    expect(unexcused(await errorsIn(event, PROFILES.AuditEvent))).toEqual([])
    spoil(event)
    expect(await errorsIn(event, PROFILES.AuditEvent)).not.toEqual([])
  })

  test.each<[string, object]>([
    ['a record with a title', { description: 'HIV test' }],
    ['a record with a date', { date: '2026-01-01T00:00:00Z' }],
  ])('%s', async (_what, told) => {
    const document = first('DocumentReference', () => true)
    expect(await errorsIn({ ...document, ...told } as FhirResource, PROFILES.DocumentReference)).not.toEqual(
      [],
    )
  })
})
