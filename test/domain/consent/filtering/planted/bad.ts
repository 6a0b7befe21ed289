/** What may not come out: each kind is one way in which a server's answer holds more than it should. */
import { BASE, BSN } from '../answers.ts'
import { nameOf, pointing } from './good.ts'
import { outOfScope } from './out-of-scope.ts'
import { DENIED_CLASS, type Group, type Json, type Kind, type Made, normal, sensitive } from './world.ts'
import { misaddressed, nested, spoilt } from './wrong-bundle.ts'
import { mentionsOther, wrongPatient } from './wrong-patient.ts'

const of = (...made: Made[]): Group => ({
  entries: made.map(({ resource }) => ({ resource })),
  canaries: made.map(({ canary }) => canary),
})

const containing: Kind = ({ draw, good, record, ours, scope }) => {
  const inside = draw.canary()
  const text = { note: [{ text: inside }] }
  const contained = draw.one<Json>([
    { ...record(DENIED_CLASS, ours()).resource, ...text, extension: undefined },
    { resourceType: 'Specimen', meta: sensitive, ...text },
    { resourceType: 'Medication', code: { text: 'abacavir' }, ...text },
    { resourceType: 'Observation', code: { coding: [{ system: 'urn:denied', code: 'denied' }] }, ...text },
    { resourceType: 'Observation', subject: { reference: 'Patient/q' }, ...text },
    { resourceType: 'Patient', name: [{ family: inside }] },
    { resourceType: 'Consent', ...text },
    { resourceType: 'Bundle', type: 'collection', ...text },
    ...(scope && !scope.includes('Condition') ? [{ resourceType: 'Condition', ...text }] : []),
  ])
  const { resource, canary } = good('Observation', { contained: [{ ...contained, id: 'c' }] })
  return { entries: [{ resource }], canaries: [canary, inside] }
}

const referring: Kind = (world) => {
  const { draw, good, marked } = world
  const hidden = outOfScope(world)
  const key = nameOf(hidden.resource)
  const reference = { reference: draw.one([key, `${key}/_history/1`, `${BASE}/${key}`]) }
  const from = draw.one([
    () => good('List', { entry: [{ item: reference }] }),
    () => good('Composition', { section: [{ section: [{ section: [{ entry: [reference] }] }] }] }),
    () => good('DiagnosticReport', { result: [reference] }),
    () => marked('Provenance', { target: [reference] }),
    () => good('Encounter', { diagnosis: [{ condition: reference }] }),
    () => good('Observation', { extension: [{ url: 'urn:x', valueUrl: reference.reference }] }),
    () => good('Observation', { contained: [{ resourceType: 'Specimen', id: 'c', request: [reference] }] }),
  ])()
  const further = good('List', { entry: [{ item: pointing(from.resource) }] })
  return draw.chance(0.5) ? of(hidden, from, further) : of(further, from, hidden)
}

const included: Kind = ({ draw, good, marked, type }) => {
  // Only a search tells what it found from what came along.
  const { resource, canary } =
    type === 'searchset' && draw.chance(0.5)
      ? good('Encounter')
      : marked(draw.one(['Practitioner', 'Organization', 'Location', 'Medication']))
  return { entries: [{ resource, isIncluded: true }], canaries: [canary] }
}

const includedByHidden: Kind = (world) => {
  const made = [
    world.marked('Practitioner'),
    ...(world.type === 'searchset' ? [world.good('Encounter')] : []),
  ]
  const hidden = outOfScope(world)
  Object.assign(hidden.resource, { supportingInformation: made.map(({ resource }) => pointing(resource)) })
  return {
    entries: [{ resource: hidden.resource }, ...made.map(({ resource }) => ({ resource, isIncluded: true }))],
    canaries: [hidden, ...made].map(({ canary }) => canary),
  }
}

const directory: Kind = ({ draw, marked, ours }) =>
  of(
    draw.one([
      () => marked('Organization'),
      () => marked('Practitioner'),
      () => marked('Device', { patient: { reference: 'Patient/q' } }),
      () => marked('Medication', { code: { text: 'efavirenz' } }),
      () => marked('Consent', { patient: ours() }),
      () => marked('AuditEvent', { entity: [{ what: ours() }] }),
      () => marked('Subscription', { criteria: 'Observation?patient=p' }),
      () => marked('Basic'),
      () => marked('Linkage', { item: [{ resource: ours() }] }),
      () => marked('Parameters', { parameter: [{ name: 'x', valueReference: ours() }] }),
      () => marked('Binary', { contentType: 'text/plain' }),
      () => marked('Binary', { meta: normal, securityContext: { reference: 'Patient/q' } }),
      () => marked('Provenance', { target: [{ reference: 'Observation/none' }] }),
      () => marked('Provenance', { target: [] }),
      () => marked('Provenance', { target: [ours(), { reference: 'Observation/none' }] }),
      () => marked('Patient', { identifier: [{ system: BSN, value: '888800000' }] }),
      () => marked('Secret', { subject: ours() }),
    ])(),
  )

/** Nothing in the prescription itself is sensitive. */
const prescribed: Kind = ({ good, marked, draw, permitted }) => {
  const medicine = marked('Medication', { code: { text: draw.one(['abacavir', 'clozapine', 'methadone']) } })
  const type = permitted.includes('MedicationRequest') ? 'MedicationRequest' : 'Observation'
  return of(medicine, good(type, { medicationReference: pointing(medicine.resource) }))
}

const again: Kind = (world) => {
  const hidden = outOfScope(world)
  const type = String(hidden.resource.resourceType)
  const before = world.good(type, { meta: normal })
  Object.assign(before.resource, { id: hidden.resource.id })
  return of(hidden, before)
}

const deleted: Kind = ({ draw, type }) => {
  const canary = draw.canary()
  const request = { method: type === 'history' ? 'DELETE' : 'GET', url: `Observation/${canary}` }
  return {
    entries: [
      { request, response: { status: '204', location: `${BASE}/Observation/${canary}`, etag: canary } },
    ],
    canaries: [canary],
  }
}

const outcome: Kind = ({ draw }) => {
  const canary = draw.canary()
  const issue = [{ severity: 'information', code: 'suppressed', diagnostics: canary }]
  return { entries: [{ resource: { resourceType: 'OperationOutcome', issue } }], canaries: [canary] }
}

export const BAD: Readonly<Record<string, Kind>> = {
  'out of scope': (world) => of(outOfScope(world)),
  'wrong patient': wrongPatient,
  'another patient mentioned': mentionsOther,
  contained: containing,
  'referring to something withheld': referring,
  'included with nothing': included,
  'included with something withheld': includedByHidden,
  'nobody’s': directory,
  prescribed,
  'the same again': again,
  deleted,
  'the server’s outcome': outcome,
  nested,
  'spoilt text': spoilt,
  misaddressed,
}
