import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource, Patient } from 'fhir/r4.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkNationalId } from '../../../src/domain/identity/national-ids.ts'
import { sampleBundles, sampleHospitals, samplePeople } from '../../../src/sandbox/samples/index.ts'

// What Synthea gave, read here on its own, to compare with what the sandbox makes of it.
const folder = join(import.meta.dirname, '..', '..', '..', 'fhir', 'samples')
const read = (...path: string[]) =>
  JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as Bundle<FhirResource>
const resourcesOf = (bundle: Bundle<FhirResource>) =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource ? [resource] : []))
const synthea = readdirSync(join(folder, 'patients')).flatMap((file) => resourcesOf(read('patients', file)))
const facilities = resourcesOf(read('organizations.json'))

const SITES: Record<string, string[]> = {
  'hospital-1': ['4f5e8f16-a31b-3071-8556-d7188ede313d', '75846b1f-d0ec-3255-9bdd-d09eb0a9dd0d'],
  'hospital-2': ['a855314b-4fb5-37fc-8015-5caa96c928b1'],
  'hospital-3': ['40dd62f9-85ca-34e7-a20e-449daa16f4a5', 'dae3ee01-f383-366e-9ad6-dc92963064ea'],
}
const keys = Object.keys(SITES)

/** Every string in a value, texts inside base64 attachments decoded beside the base64. */
function* stringsIn(value: unknown, key = ''): Generator<string> {
  if (typeof value === 'string') {
    yield value
    if (key === 'data') yield Buffer.from(value, 'base64').toString('utf8')
  } else if (value && typeof value === 'object') {
    for (const [name, item] of Object.entries(value)) yield* stringsIn(item, name)
  }
}

function* referencesIn(value: unknown): Generator<{ reference?: unknown; identifier?: unknown }> {
  if (!value || typeof value !== 'object') return
  if ('reference' in value) yield value
  for (const item of Object.values(value)) yield* referencesIn(item)
}

let bundles: Record<string, Bundle<FhirResource>[]>
let resources: Record<string, FhirResource[]>
let millisecondsToLoad = 0
beforeAll(() => {
  const started = performance.now()
  bundles = Object.fromEntries(keys.map((key) => [key, sampleBundles(key)]))
  millisecondsToLoad = performance.now() - started
  resources = Object.fromEntries(keys.map((key) => [key, (bundles[key] ?? []).flatMap(resourcesOf)]))
})

/** The texts of all hospitals in which one of these occurs, in any case. */
function textsThatHold(needles: string[]): string[] {
  const lower = needles.map((needle) => needle.toLowerCase())
  const texts = [...new Set(stringsIn(everything()))]
  return texts.filter((text) => lower.some((needle) => text.toLowerCase().includes(needle)))
}
const at = (key: string) => resources[key] ?? []
const everything = () => keys.flatMap(at)
const patientsAt = (key: string) => at(key).filter((one): one is Patient => one.resourceType === 'Patient')

describe('the sample people', () => {
  test('every person has a BSN of the test range that passes the eleven-test, and nobody shares one', () => {
    const people = samplePeople()
    for (const { nationalId } of people) {
      expect(nationalId.value).toMatch(/^9999\d{5}$/)
      expect(checkNationalId(nationalId)).toEqual({ ok: true, identifier: nationalId })
    }
    expect(new Set(people.map(({ nationalId }) => nationalId.value)).size).toBe(14)
  })

  test('a person has one BSN at all hospitals, and another record number and Patient id at each', () => {
    for (const person of samplePeople()) {
      const found = keys.flatMap((key) =>
        patientsAt(key)
          .filter(({ identifier }) => identifier?.some(({ value }) => value === person.nationalId.value))
          .map(({ id, identifier, telecom }) => {
            const own = identifier?.find(({ system }) => system !== person.nationalId.system)
            expect(own?.system).toBe(sampleHospitals().find((one) => one.key === key)?.recordNumberSystem)
            expect(telecom?.some(({ value }) => value === person.phone)).toBe(true)
            return { hospital: key, patientId: id, recordNumber: own?.value }
          }),
      )
      expect(found).toEqual(person.at)
      expect(new Set(found.map(({ patientId }) => patientId)).size).toBe(found.length)
      expect(new Set(found.map(({ recordNumber }) => recordNumber)).size).toBe(found.length)
    }
  })

  test('a Patient carries a BSN and a record number, and no other identifier', () => {
    for (const key of keys) {
      for (const { identifier = [] } of patientsAt(key)) {
        expect(identifier.map(({ use, type }) => [use, type?.coding?.[0]?.code])).toEqual([
          ['official', undefined],
          ['usual', 'MR'],
        ])
      }
    }
  })

  test('no social security, licence, passport or common record number is left anywhere', () => {
    const dropped = synthea
      .flatMap((one) => (one.resourceType === 'Patient' ? (one.identifier ?? []) : []))
      .filter(({ type }) => ['SS', 'DL', 'PPN', 'MR'].includes(type?.coding?.[0]?.code ?? ''))
      .map(({ value = '' }) => value)
    expect(dropped.length).toBeGreaterThan(28)
    expect(textsThatHold(dropped)).toEqual([])
    expect([...stringsIn(everything())].filter((text) => /\b999-\d\d-\d{4}\b/.test(text))).toEqual([])
  })
})

describe('the sample hospitals', () => {
  test('are three, under one organisation identifier each', () => {
    expect(sampleHospitals().map(({ key }) => key)).toEqual(keys)
    for (const { key, name, identifier } of sampleHospitals()) {
      expect(identifier).toEqual({
        system: 'http://fhir.nl/fhir/NamingSystem/ura',
        value: expect.stringMatching(/^\d{8}$/),
      })
      expect(at(key).filter(({ resourceType }) => resourceType === 'Organization')).toMatchObject([
        { name, identifier: [{ use: 'official', ...identifier }] },
      ])
    }
  })

  test('no real facility is named in their records, by name, street or telephone, notes included', () => {
    const real = facilities.flatMap((one) => {
      if (one.resourceType !== 'Organization') return []
      const lines = (one.address ?? []).flatMap(({ line = [] }) => line)
      return [one.name ?? '', ...lines, ...(one.telecom ?? []).map(({ value = '' }) => value)]
    })
    expect(real.length).toBeGreaterThan(60)
    expect(textsThatHold([...real, 'Baystate', 'Holyoke Med', 'Mercy Med', 'Shriners'])).toEqual([])
  })

  test('a note that names a real facility is handed out with the invented name', async () => {
    const { facilityNames, renameFacilities } = await import('../../../src/sandbox/samples/facility-names.ts')
    const names = facilityNames(facilities, [
      { ...sampleHospitals()[1], sites: [{ synthea: SITES['hospital-2']?.[0], name: 'x' }] } as never,
    ])
    const note = Buffer.from('Seen at Baystate Medical Center Inc. and MERCY MEDICAL CTR.\n').toString(
      'base64',
    )
    const { data } = JSON.parse(renameFacilities(`{"data":"${note}"}`, names))
    expect(Buffer.from(data, 'base64').toString()).toBe(
      'Seen at Ostermoor General Hospital and another care provider.\n',
    )
  })
})

describe('the sample records', () => {
  test.each(keys)('%s holds every encounter of its own sites, and none of another organisation', (key) => {
    const own = synthea.filter(
      (one) =>
        one.resourceType === 'Encounter' &&
        SITES[key]?.some((site) => one.serviceProvider?.reference?.endsWith(`|${site}`)),
    )
    const held = at(key).filter(({ resourceType }) => resourceType === 'Encounter')
    expect(held.map(({ id }) => id).sort()).toEqual(own.map(({ id }) => id).sort())
    const [hospital] = at(key).filter(({ resourceType }) => resourceType === 'Organization')
    for (const encounter of held) {
      expect(encounter).toMatchObject({ serviceProvider: { reference: `Organization/${hospital?.id}` } })
    }
  })

  test('every record is in the hospital whose encounter it was made in', () => {
    const withEncounter = synthea.filter(
      ({ resourceType }) =>
        !['Patient', 'AllergyIntolerance', 'Device', 'Medication', 'Provenance'].includes(resourceType),
    )
    const ids = new Set(withEncounter.map(({ id }) => id))
    for (const key of keys) {
      const encounters = new Set(at(key).flatMap((one) => (one.resourceType === 'Encounter' ? [one.id] : [])))
      for (const record of at(key).filter(({ id }) => ids.has(id))) {
        if (record.resourceType === 'Encounter') continue
        const encounter =
          record.resourceType === 'DocumentReference'
            ? record.context?.encounter?.[0]
            : record.resourceType === 'MedicationAdministration'
              ? record.context
              : 'encounter' in record
                ? record.encounter
                : undefined
        expect(
          encounters.has(encounter?.reference?.split('/')[1]),
          `${record.resourceType}/${record.id}`,
        ).toBe(true)
      }
    }
  })

  test('allergies and devices are all there, each at the one hospital that saw most of the person', () => {
    for (const person of samplePeople()) {
      const count = (key: string, type: string) => {
        const id = person.at.find(({ hospital }) => hospital === key)?.patientId
        return at(key).filter((one) => {
          if (one.resourceType !== type) return false
          const of = 'patient' in one ? one.patient : 'subject' in one ? one.subject : undefined
          return of && 'reference' in of && of.reference === `Patient/${id}`
        }).length
      }
      const most = Math.max(...keys.map((key) => count(key, 'Encounter')))
      for (const type of ['AllergyIntolerance', 'Device']) {
        const all = synthea.filter(
          (one) =>
            one.resourceType === type &&
            'patient' in one &&
            one.patient?.reference === `urn:uuid:${person.id}`,
        )
        const holders = keys.filter((key) => count(key, type) > 0)
        expect(holders.reduce((sum, key) => sum + count(key, type), 0)).toBe(all.length)
        expect(holders.length).toBe(all.length ? 1 : 0)
        for (const key of holders) expect(count(key, 'Encounter')).toBe(most)
      }
    }
  })

  test.each(keys)('a reference within %s resolves, and a reference to elsewhere is a logical one', (key) => {
    const held = new Set(at(key).map(({ resourceType, id }) => `${resourceType}/${id}`))
    let logical = 0
    for (const reference of referencesIn(at(key))) {
      expect(held.has(String(reference.reference)), JSON.stringify(reference)).toBe(true)
    }
    for (const value of everythingLogical(at(key))) {
      logical++
      expect(value.value).toMatch(/^urn:uuid:[0-9a-f-]{36}$/)
      expect(held.has(`${value.type}/${value.value.slice(9)}`)).toBe(false)
    }
    expect(logical).toBeGreaterThan(0)
  })

  test('a Provenance names what its hospital holds, and nobody who worked elsewhere', () => {
    for (const key of keys) {
      const [hospital] = at(key).filter(({ resourceType }) => resourceType === 'Organization')
      for (const one of at(key)) {
        if (one.resourceType !== 'Provenance') continue
        expect(one.target.length).toBeGreaterThan(0)
        for (const { who, onBehalfOf } of one.agent) {
          expect((onBehalfOf ?? who).reference).toBe(`Organization/${hospital?.id}`)
        }
      }
    }
  })

  test('no id is used at two hospitals, and none twice at one', () => {
    const ids = everything().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('each request is a PUT under the resource’s own id, so that loading twice changes nothing', () => {
    for (const key of keys) {
      for (const bundle of bundles[key] ?? []) {
        expect(bundle.type).toBe('transaction')
        for (const { request, resource } of bundle.entry ?? []) {
          expect(request).toEqual({ method: 'PUT', url: `${resource?.resourceType}/${resource?.id}` })
        }
      }
      expect(sampleBundles(key)).toEqual(bundles[key])
    }
  })

  test('a caller that changes a bundle changes no other caller’s', () => {
    const before = JSON.stringify(sampleBundles('hospital-2'))
    const spoilt = sampleBundles('hospital-2')
    const spoil = (value: unknown): void => {
      if (!value || typeof value !== 'object') return
      for (const item of Object.values(value)) spoil(item)
      Object.assign(value, { spoilt: true })
    }
    spoil(spoilt)
    expect(JSON.stringify(sampleBundles('hospital-2'))).toBe(before)
  })

  test('all three hospitals are ready to load in a second and a half', () => {
    expect(millisecondsToLoad).toBeLessThan(1500)
  })

  test('an unknown hospital is an error', () => {
    expect(() => sampleBundles('hospital-4')).toThrow('There is no sample hospital "hospital-4"')
  })
})

/** The logical references in a value, by their urn:uuid; identifiers of resources themselves have no `type`. */
function* everythingLogical(value: unknown): Generator<{ type: string; value: string }> {
  if (!value || typeof value !== 'object') return
  if ('identifier' in value && 'type' in value && typeof value.type === 'string') {
    const identifier = value.identifier as { system?: string; value?: string }
    if (identifier.system === 'urn:ietf:rfc:3986') yield { type: value.type, value: identifier.value ?? '' }
  }
  for (const item of Object.values(value)) yield* everythingLogical(item)
}
