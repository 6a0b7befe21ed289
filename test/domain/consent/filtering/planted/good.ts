/** What has to come out: each of these is the patient's and permitted, or describes no patient and is referred to. */
import { BASE, BSN } from '../answers.ts'
import { type Group, type Json, type Kind, normal, type World } from './world.ts'

export const nameOf = ({ resourceType, id }: Json): string => `${String(resourceType)}/${String(id)}`
export const pointing = (resource: Json): Json => ({ reference: nameOf(resource) })

export function patient({ number, knowsNumber, patientUrn }: World): Group {
  const identifier = knowsNumber ? [{ system: BSN, value: number }] : []
  return {
    entries: [
      {
        resource: { resourceType: 'Patient', id: 'p', identifier, name: [{ family: 'Zqpatientq' }] },
        ...(patientUrn === undefined ? {} : { fullUrl: patientUrn }),
      },
    ],
    canaries: ['Zqpatientq'],
  }
}

const plain: Kind = ({ good, draw }) => {
  const { resource, canary } = good()
  const fullUrl = draw.chance(0.3)
    ? draw.uuid()
    : draw.chance(0.5)
      ? `${BASE}/${nameOf(resource)}`
      : undefined
  return { entries: [{ resource, ...(fullUrl === undefined ? {} : { fullUrl }) }], canaries: [canary] }
}

const withDirectory: Kind = ({ good, marked, draw }) => {
  const hospital = marked('Organization')
  const doctor = marked(draw.one(['Practitioner', 'PractitionerRole', 'Device', 'Location']), {
    managingOrganization: pointing(hospital.resource),
  })
  const { resource, canary } = good('Observation', { performer: [pointing(doctor.resource)] })
  const isIncluded = draw.chance(0.5)
  return {
    entries: [
      { resource },
      { resource: doctor.resource, isIncluded },
      { resource: hospital.resource, isIncluded },
    ],
    canaries: [canary, doctor.canary, hospital.canary],
  }
}

const withContained: Kind = ({ good, draw, ours }) => {
  const inside = draw.canary()
  const contained = draw.one<Json>([
    { resourceType: 'Specimen', id: 'c', note: [{ text: inside }] },
    { resourceType: 'Specimen', id: 'c', subject: ours(), note: [{ text: inside }] },
    { resourceType: 'Practitioner', id: 'c', name: [{ family: inside }] },
    { resourceType: 'Medication', id: 'c', batch: { lotNumber: inside } },
    { resourceType: 'Device', id: 'c', lotNumber: inside },
  ])
  const { resource, canary } = good('Observation', { contained: [contained], device: { reference: '#c' } })
  return { entries: [{ resource }], canaries: [canary, inside] }
}

const withIncluded: Kind = ({ good }) => {
  const visit = good('Encounter')
  const { resource, canary } = good('Observation', { encounter: pointing(visit.resource) })
  return {
    entries: [{ resource }, { resource: visit.resource, isIncluded: true }],
    canaries: [canary, visit.canary],
  }
}

const referring: Kind = ({ good, marked, draw }) => {
  const named = [good(), good()]
  const references = named.map(({ resource }) => pointing(resource))
  const from = draw.one([
    () => good('List', { entry: references.map((item) => ({ item })) }),
    () => good('Composition', { section: [{ section: [{ entry: references }] }] }),
    () => good('DiagnosticReport', { result: references }),
    () => marked('Provenance', { target: references }),
  ])()
  return {
    entries: [...named, from].map(({ resource }) => ({ resource })),
    canaries: [...named, from].map(({ canary }) => canary),
  }
}

const nested: Kind = ({ good, draw }) => {
  const inside = [good(), good()]
  const entry = inside.map(({ resource }) => ({ resource }))
  const resource = { resourceType: 'Bundle', type: draw.one(['searchset', 'collection']), entry }
  return { entries: [{ resource }], canaries: inside.map(({ canary }) => canary) }
}

const document: Kind = ({ good, draw }) => {
  const inside = good('Observation')
  const head = good('Composition', { section: [{ entry: [pointing(inside.resource)] }] })
  const entry = [head, inside].map(({ resource }) => ({ fullUrl: `${BASE}/${nameOf(resource)}`, resource }))
  const identifier = { system: 'urn:x', value: draw.canary() }
  const resource = { resourceType: 'Bundle', type: 'document', meta: normal, identifier, entry }
  return { entries: [{ resource }], canaries: [head.canary, inside.canary, identifier.value] }
}

const changed: Kind = ({ good, type }) => {
  const { resource, canary } = good()
  if (type !== 'history') return { entries: [{ resource }], canaries: [canary] }
  const meta = { ...(resource.meta as Json | undefined), versionId: '1' }
  return {
    entries: [
      { request: { method: 'DELETE', url: nameOf(resource) }, response: { status: '204' } },
      { resource: { ...resource, meta } },
    ],
    canaries: [canary],
  }
}

export const GOOD: readonly Kind[] = [
  plain,
  plain,
  plain,
  withDirectory,
  withContained,
  withIncluded,
  referring,
  nested,
  document,
  changed,
]
