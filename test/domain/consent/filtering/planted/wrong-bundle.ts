/** Bundles and entries that hold what is right in a way that is not. */
import { BASE, BSN } from '../answers.ts'
import { at, COMPARTMENT } from './compartment.ts'
import { nameOf } from './good.ts'
import { outOfScope } from './out-of-scope.ts'
import { ELSEWHERE, type Entry, type Group, type Json, type Kind, sensitive } from './world.ts'

export const nested: Kind = (world) => {
  const { draw, good, ours } = world
  const hidden = outOfScope(world)
  const beside = good()
  const canary = draw.canary()
  const around = { identifier: { system: 'urn:x', value: canary } }
  const entry = [hidden.resource, beside.resource].map((resource) => ({ resource }))
  const elsewhere = (id: string) => ({
    resourceType: 'Patient',
    id,
    identifier: [{ system: BSN, value: '888800000' }],
    name: [{ family: canary }],
  })
  const urn = draw.uuid()
  return draw.one<() => Group>([
    // As a whole: what is beside goes with it.
    () => ({
      entries: [{ resource: { resourceType: 'Bundle', type: 'document', ...around, entry } }],
      canaries: [hidden.canary, beside.canary, canary],
    }),
    () => ({
      entries: [{ resource: { resourceType: 'Bundle', type: 'message', ...around, entry } }],
      canaries: [hidden.canary, beside.canary, canary],
    }),
    () => ({
      entries: [
        {
          resource: {
            resourceType: 'Bundle',
            type: 'collection',
            meta: sensitive,
            entry: [{ resource: beside.resource }],
          },
        },
      ],
      canaries: [beside.canary],
    }),
    () => ({
      entries: [
        {
          resource: {
            resourceType: 'Bundle',
            type: 'searchset',
            id: canary,
            total: 1,
            link: [{ relation: 'self', url: canary }],
            entry: [{ resource: hidden.resource }],
          },
        },
      ],
      canaries: [hidden.canary, canary],
    }),
    // Another person who bears the patient's id at another hospital.
    () => ({
      entries: [
        {
          resource: {
            resourceType: 'Bundle',
            type: 'document',
            ...around,
            entry: [
              {
                fullUrl: `${ELSEWHERE}/Observation/o`,
                resource: {
                  ...good('Observation').resource,
                  id: 'o',
                  subject: { reference: 'Patient/p' },
                  extension: [{ url: 'urn:x', valueString: canary }],
                },
              },
              { fullUrl: `${ELSEWHERE}/Patient/p`, resource: elsewhere('p') },
            ],
          },
        },
      ],
      canaries: [canary],
    }),
    () => ({
      entries: [
        {
          resource: {
            resourceType: 'Bundle',
            type: 'collection',
            entry: [
              { fullUrl: urn, resource: elsewhere('other') },
              {
                resource: {
                  ...good('Observation').resource,
                  subject: { reference: urn },
                  extension: [{ url: 'urn:x', valueString: canary }],
                },
              },
            ],
          },
        },
      ],
      canaries: [canary],
    }),
    () => ({
      entries: [{ resource: deep(20, { ...beside.resource, subject: ours() }) }],
      canaries: [beside.canary],
    }),
    () => ({
      entries: [{ resource: { resourceType: 'Bundle', entry: [{ resource: beside.resource }] } }],
      canaries: [beside.canary],
    }),
  ])()
}

const deep = (levels: number, resource: Json): Json =>
  levels === 0
    ? resource
    : { resourceType: 'Bundle', type: 'collection', entry: [{ resource: deep(levels - 1, resource) }] }

/** Well-formed until its text is touched. */
export const spoilt: Kind = ({ draw, good }) => {
  const { resource, canary } = good('Observation')
  const spoil = draw.one<(text: string) => string>([
    (text) => text.replace('"id":', `"id":"${canary}y","id":`),
    (text) => text.replace('"resourceType":', '"resourceType":"Patient","resourceType":'),
    (text) => text.replace('"subject":', '"subject":{"reference":"Patient/q"},"subject":'),
    (text) => text.replace('"subject":', String.raw`"s\u0075bject":{"reference":"Patient/q"},"subject":`),
    (text) => text.replace('{"resource":', '{"resource":{},"resource":'),
    (text) => text.replace('"id":', '"__proto__":{"subject":{"reference":"Patient/p"}},"id":'),
    (text) => text.replace('"id":', '"__proto__":"x","id":'),
    (text) => text.replace('"id":', '"constructor":{"resourceType":"Patient"},"id":'),
    (text) => text.replace('"id":', '"valueInteger":123456789012345678901,"id":'),
    (text) => text.replace('"resourceType":"Observation"', '"resourceType":["Observation"]'),
    (text) => text.replace('"resourceType":"Observation",', ''),
    (text) => text.replace('"resource":', '"resources":'),
    (text) => text.replace(/"id":"[^"]*"/, '"id":["x"]'),
    (text) => text.replace(/"id":"[^"]*",/, ''),
    (text) => text.replace('"id":', '"contained":{"resourceType":"Specimen"},"id":'),
    (text) => text.replace('"id":', '"meta":"N","id":'),
    (text) => `[${text}]`,
    (text) => JSON.stringify(text),
  ])
  return { entries: [{ resource, spoil }], canaries: [canary] }
}

export const misaddressed: Kind = ({ draw, good, type }) => {
  const { resource, canary } = good()
  const wrong = draw.one<Partial<Entry>>([
    { fullUrl: `${BASE}/Observation/other` },
    { fullUrl: `${ELSEWHERE}/${nameOf(resource)}` },
    { fullUrl: 'javascript:x' },
    ...(type === 'searchset'
      ? [{ spoil: (text: string) => text.replace('"mode":"match"', '"mode":"outcome"') }]
      : []),
  ])
  // By address the patient's own would be the patient all the same, so it is named relatively.
  const [path = ''] = COMPARTMENT.get(String(resource.resourceType)) ?? []
  Object.assign(
    resource,
    at(path, { reference: 'Patient/p' }, () => false),
  )
  return { entries: [{ resource, ...wrong }], canaries: [canary] }
}
