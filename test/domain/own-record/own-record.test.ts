import { expect, test } from 'vitest'
import { attachmentsOf, isPlainText, textIn } from '../../../src/domain/own-record/attachments.ts'
import { factsOf } from '../../../src/domain/own-record/facts.ts'
import { dateOf, type Resource } from '../../../src/domain/own-record/own-entry.ts'
import { byYear, isWanted, resolverOf, unify } from '../../../src/domain/own-record/unify.ts'
import { sampleBundles } from '../../../src/sandbox/samples/bundles.ts'
import { samplePeople } from '../../../src/sandbox/samples/people.ts'

const HOSPITALS = ['hospital-1', 'hospital-2', 'hospital-3']
const BUNDLES = HOSPITALS.map((key) => sampleBundles(key))

/** What each hospital of the sandbox has of one sample person. */
function sampleSources(name: string) {
  const person = samplePeople().find((one) => one.name.includes(name))
  return HOSPITALS.map((key, source) => {
    const id = person?.at.find(({ hospital }) => hospital === key)?.patientId
    const bundle = BUNDLES[source]?.find(({ entry }) => entry?.some(({ resource }) => resource?.id === id))
    return { source, resources: (bundle?.entry ?? []).map(({ resource }) => resource as unknown as Resource) }
  })
}

const none = () => undefined
const observation = (more: Record<string, unknown>): Resource => ({
  resourceType: 'Observation',
  id: 'o',
  ...more,
})
const value = (more: Record<string, unknown>) => factsOf(observation(more), none)[0]?.value

test('every record of the sample people gets a title and a date, newest first, each once', () => {
  for (const person of samplePeople()) {
    const sources = sampleSources(person.name)
    const entries = unify(sources)
    const lines = sources
      .flatMap(({ resources }) => resources)
      .filter(({ resourceType: t }) => t !== 'Medication' && t !== 'Provenance')
    expect(entries.length).toBe(lines.length)
    expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length)
    for (const { title, date, resource } of entries) {
      // A care team is often called nothing.
      if (resource.resourceType !== 'CareTeam')
        expect(title, `${resource.resourceType}/${resource.id}`).toBeTruthy()
      expect(title ?? '').not.toMatch(/\((?:procedure|disorder|finding|situation)\)$/)
      expect(date, `${resource.resourceType}/${resource.id}`).toBeTruthy()
    }
    const times = entries.map(({ date }) => Date.parse(date ?? ''))
    expect(times).toEqual([...times].sort((a, b) => b - a))
    expect(byYear(entries).flatMap(({ groups }) => groups.flat()).length).toBe(entries.length)
  }
})

test('what two hospitals have alike stands side by side, and never as one', () => {
  const allergy = (id: string, recordedDate: string): Resource => ({
    ...{ resourceType: 'AllergyIntolerance', id, recordedDate },
    code: { coding: [{ system: 's', code: '1', display: 'Nuts' }] },
  })
  const entries = unify([
    { source: 0, resources: [allergy('a', '2020-01-01'), allergy('b', '2020-02-01')] },
    { source: 1, resources: [allergy('a', '2019-01-01')] },
  ])
  const groups = byYear(entries).flatMap(({ groups: all }) => all.map((group) => group.map(({ key }) => key)))
  expect(groups).toEqual([['0:AllergyIntolerance/b'], ['0:AllergyIntolerance/a', '1:AllergyIntolerance/a']])
})

test('a measurement says in which direction it lies outside of what is usual, and the laboratory’s own word goes first', () => {
  const valueQuantity = { value: 7, unit: 'mmol/L', code: 'mmol/L' }
  const range = (low?: number, high?: number, more = {}) => ({
    ...(low === undefined ? {} : { low: { value: low, unit: 'mmol/L' } }),
    ...(high === undefined ? {} : { high: { value: high } }),
    ...more,
  })
  const verdict = (more: Record<string, unknown>) => value({ valueQuantity, ...more })
  expect(verdict({ referenceRange: [range(4, 6)] })).toMatchObject({
    verdict: 'above',
    range: { low: 4, high: 6 },
  })
  expect(verdict({ referenceRange: [range(8)] })).toMatchObject({ verdict: 'below' })
  expect(verdict({ referenceRange: [range(4, 7)] })).toMatchObject({ verdict: 'inside' })
  expect(
    verdict({ referenceRange: [range(4, 6)], interpretation: [{ coding: [{ code: 'N' }] }] }),
  ).toMatchObject({
    verdict: 'inside',
  })
  // another unit, another condition, or a bound of the device: nothing can be said
  expect(verdict({ referenceRange: [{ low: { value: 1, unit: 'mg/dL' } }] })).not.toHaveProperty('verdict')
  expect(
    verdict({ referenceRange: [range(1, 2, { appliesTo: [{ text: 'pregnant' }] })] }),
  ).not.toHaveProperty('verdict')
  expect(
    value({ valueQuantity: { ...valueQuantity, comparator: '<' }, referenceRange: [range(8, 9)] }),
  ).not.toHaveProperty('verdict')
  expect(verdict({})).not.toHaveProperty('verdict')
})

test('a report shows its results, found at the hospital that wrote it and nowhere else', () => {
  const sources = sampleSources('Teodoro')
  const [first] = sources
  const report = first?.resources.find(
    ({ resourceType: t, result }) => t === 'DiagnosticReport' && Array.isArray(result),
  )
  if (!first || !report) throw new Error('The sample person has no report with results')
  const [results] = factsOf(report, resolverOf(first.resources)).filter(({ name }) => name === 'results')
  if (results?.value.is !== 'parts') throw new Error('no results')
  expect(results.value.parts.length).toBe((report.result as unknown[]).length)
  for (const part of results.value.parts)
    expect(part).toMatchObject({ title: expect.any(String), value: expect.anything() })
  const elsewhere = factsOf(report, resolverOf(sources[1]?.resources ?? []))
  for (const { name, value } of elsewhere)
    if (name === 'results' && value.is === 'parts')
      for (const part of value.parts) expect(part).not.toHaveProperty('value')
})

test('letters of the sample people are read as text, and markup of a stranger is not', () => {
  const letters = sampleSources('Teodoro')
    .flatMap(({ resources }) => resources)
    .filter(({ resourceType }) => resourceType === 'DocumentReference')
  expect(letters.length).toBeGreaterThan(0)
  for (const [attachment] of letters.map(attachmentsOf)) {
    expect(attachment && isPlainText(attachment) && textIn(attachment)).toMatch(/^\s*\d{4}-\d\d-\d\d/)
  }
  const data = btoa('<script>alert(1)</script>')
  const [html] = attachmentsOf({
    ...{ resourceType: 'DocumentReference', id: 'd' },
    content: [{ attachment: { contentType: 'text/html', data } }],
  })
  expect(html && isPlainText(html)).toBe(false)
  expect(textIn({ contentType: 'text/plain', data: '!!' })).toBeUndefined()
  expect(textIn({ contentType: 'text/plain', data: btoa('\xff\xfe') })).toBeUndefined()
})

test('whatever shape a resource has, it is shown with what can be told', () => {
  const odd: Resource[] = [null, 7, 'x', [], {}, [[{}]], { coding: 'no' }, { coding: [null, 3] }].flatMap(
    (thing, i) =>
      [
        'Observation',
        'MedicationRequest',
        'Encounter',
        'CarePlan',
        'DiagnosticReport',
        'Patient',
        'Basic',
      ].map((resourceType) => ({
        ...{ resourceType, id: `${i}`, code: thing, result: thing, valueQuantity: thing, component: thing },
        ...{
          dosageInstruction: thing,
          period: thing,
          activity: thing,
          name: thing,
          status: thing,
          location: thing,
        },
        ...{ effectiveDateTime: thing, participant: thing, note: thing, type: thing, content: thing },
      })),
  )
  const entries = unify([{ source: 0, resources: odd }])
  expect(entries.length).toBe(odd.length)
  for (const { resource } of entries) {
    factsOf(resource, resolverOf(odd))
    attachmentsOf(resource)
  }
  expect(dateOf({ resourceType: 'Observation', id: 'o', effectiveDateTime: '2021-13-45' })).toBeUndefined()
})

test('a record is found by words, kind, hospital and year together', () => {
  const entries = unify(sampleSources('Teodoro'))
  const [some] = entries.filter(({ dataClass }) => dataClass === 'medications')
  if (!some) throw new Error('The sample person has no medicine')
  const words = some.title?.split(' ').slice(0, 2).join('   ').toUpperCase() ?? ''
  const filter = { words, dataClass: some.dataClass, source: some.source, year: some.date?.slice(0, 4) ?? '' }
  const found = entries.filter((one) => isWanted(one, filter))
  expect(found).toContain(some)
  for (const one of found) expect(one).toMatchObject({ dataClass: some.dataClass, source: some.source })
  expect(entries.filter((one) => isWanted(one, { ...filter, year: '1800' }))).toEqual([])
})
