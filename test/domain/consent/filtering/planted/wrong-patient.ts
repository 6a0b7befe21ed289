/** About another patient, or about whom nobody can tell: by every path of R4 and in every form. */
import { BASE, BSN } from '../answers.ts'
import { at, COMPARTMENT } from './compartment.ts'
import { ELSEWHERE, type Entry, type Json, type Kind, type World } from './world.ts'

/** Means another patient, or nobody that can be told; with what has to be beside it for that. */
function theirs(
  world: World,
  isSubject: boolean,
): { about: unknown; beside: Entry[]; contained?: Json[]; canaries: string[] } {
  const { draw, knowsNumber, marked } = world
  const q = draw.canary()
  const urn = draw.uuid()
  const other = { system: BSN, value: '888800000' }
  const forms: { about: unknown; beside?: Entry[]; contained?: Json[] }[] = [
    { about: { reference: `Patient/${q}` } },
    { about: { reference: `Patient/${q}/_history/2` } },
    { about: { reference: `${BASE}/Patient/${q}` } },
    { about: { reference: `${ELSEWHERE}/Patient/p` } },
    { about: { reference: `${BASE}/../Patient/p` } },
    { about: { reference: urn } },
    {
      about: { reference: urn },
      beside: [{ fullUrl: urn, resource: marked('Patient', { id: q, identifier: [other] }).resource }],
    },
    { about: { type: 'Patient', identifier: { system: 'urn:unknown', value: q } } },
    { about: { identifier: { system: 'urn:unknown', value: q } } },
    { about: { reference: `Patient?identifier=${BSN}|888800000` } },
    { about: { reference: `Patient?name=${q}` } },
    { about: { reference: '#c' }, contained: [{ resourceType: 'Patient', id: 'c', name: [{ family: q }] }] },
    { about: { reference: '#c' }, contained: [{ resourceType: 'Patient', id: 'c', identifier: [other] }] },
    { about: { reference: '#none' } },
    { about: [{ reference: 'Patient/p' }, { reference: `Patient/${q}` }] },
    { about: { reference: ['Patient/p'] } },
    { about: 'Patient/p' },
  ]
  if (knowsNumber)
    forms.push({ about: { identifier: other } }, { about: { reference: 'Patient/p', identifier: other } })
  if (isSubject)
    forms.push(
      { about: { display: q } },
      { about: null },
      { about: { reference: `Group/${q}` } },
      { about: { reference: `patient/${q}` } },
    )
  const { about, beside = [], contained } = draw.one(forms)
  return { about, beside, ...(contained ? { contained } : {}), canaries: [q] }
}

export const wrongPatient: Kind = (world) => {
  const { draw, marked, asList, ours } = world
  const type = draw.one(world.permitted)
  const paths = COMPARTMENT.get(type) ?? []
  const path = draw.one(paths)
  const [first = ''] = paths
  const isSubject = path === first && paths.length === 1
  const { about, beside, contained, canaries } = theirs(world, isSubject)
  const { resource, canary } = marked(type, {
    // Somewhere else it may well name the patient.
    ...(path === first ? {} : at(first, ours(), () => false)),
    ...(contained ? { contained } : {}),
  })
  merge(resource, at(path, about, asList))
  return { entries: [{ resource }, ...beside], canaries: [canary, ...canaries] }
}

/** `participant.actor` and `participant.member` may begin alike. */
function merge(into: Json, from: Json): void {
  for (const [key, value] of Object.entries(from)) into[key] = key in into ? [into[key], value].flat() : value
}

export const mentionsOther: Kind = ({ draw, good }) => {
  const q = draw.canary()
  const reference = draw.one([`Patient/${q}`, `${BASE}/Patient/${q}`, `${ELSEWHERE}/Patient/${q}`])
  const { resource, canary } = good(
    'Observation',
    draw.one<Json>([
      { extension: [{ url: 'urn:x', valueReference: { reference } }] },
      { extension: [{ url: 'urn:x', extension: [{ url: 'urn:y', valueUri: reference }] }] },
      { focus: [{ reference }] },
      { note: [{ authorReference: { reference }, text: 'x' }] },
      { text: { status: 'generated', div: `<div><a href="${reference}">x</a></div>` } },
      { patient: { reference } },
      { contained: [{ resourceType: 'Specimen', id: 'c', request: [{ reference }] }] },
      { contained: [{ resourceType: 'Device', id: 'c', patient: { reference } }] },
      {
        modifierExtension: [
          {
            url: 'urn:x',
            valueReference: {
              reference: 'Practitioner/1',
              extension: [{ url: 'urn:y', valueReference: { reference } }],
            },
          },
        ],
      },
    ]),
  )
  return { entries: [{ resource }], canaries: [canary, q] }
}
