import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { facilityNames, renameFacilities } from './facility-names.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'fhir', 'samples')

/** A hospital of the sandbox, as `fhir/samples/hospitals.json` invents it. */
export type HospitalEntry = {
  key: string
  name: string
  /** The organisation's FHIR identifier, from which its member id on the chain is made. */
  identifier: Identifier
  /** The identifier system of this hospital's own record numbers. */
  recordNumberSystem: string
  phone: string
  address: { line: string[]; city: string; postalCode: string; country: string }
  /** Synthea's organisations that this hospital stands for, each a site of it. */
  sites: { synthea: string; name: string }[]
}

/** A line of `fhir/samples/people.json`: the numbers that Synthea's person goes by in the sandbox. */
export type PersonEntry = {
  synthea: string
  bsn: string
  /** By hospital key; only where the person has records. */
  recordNumbers: Record<string, string>
}

/** A resource as Synthea gave it, with the `urn:uuid:` by which others refer to it. */
export type SampleEntry = { url: string; resource: FhirResource }

/** The sample files, parsed, the real facilities' names in them already replaced. */
export type SampleFiles = {
  hospitals: HospitalEntry[]
  people: PersonEntry[]
  organizations: FhirResource[]
  practitioners: FhirResource[]
  /** By Synthea's id of the person, in the order of `people`; the Patient is the first entry. */
  records: Map<string, SampleEntry[]>
}

const readText = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8')

function entriesOf(text: string): SampleEntry[] {
  const bundle = JSON.parse(text) as Bundle<FhirResource>
  return (bundle.entry ?? []).flatMap(({ fullUrl = '', resource }) =>
    resource ? [{ url: fullUrl, resource }] : [],
  )
}

function readSamples(): SampleFiles {
  const hospitals = JSON.parse(readText('hospitals.json')) as HospitalEntry[]
  const people = JSON.parse(readText('people.json')) as PersonEntry[]
  const organizationsText = readText('organizations.json')
  const names = facilityNames(
    entriesOf(organizationsText).map(({ resource }) => resource),
    hospitals,
  )
  const entries = (...path: string[]) => entriesOf(renameFacilities(readText(...path), names))
  const resources = (file: string) => entries(file).map(({ resource }) => resource)

  const files = readdirSync(join(folder, 'patients'))
  const records = new Map<string, SampleEntry[]>()
  for (const { synthea } of people) {
    if (!files.includes(`${synthea}.json`)) throw new Error(`people.json names ${synthea}, who has no file`)
    records.set(synthea, entries('patients', `${synthea}.json`))
  }
  return {
    hospitals,
    people,
    organizations: resources('organizations.json'),
    practitioners: resources('practitioners.json'),
    records,
  }
}

let parsed: SampleFiles | undefined

/** The sample files, read and parsed once a process (six megabytes); not to be changed by who uses them. */
export function sampleFiles(): SampleFiles {
  parsed ??= readSamples()
  return parsed
}
