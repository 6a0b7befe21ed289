import type { FhirResource } from 'fhir/r4.js'
import type { HospitalEntry } from './files.ts'

/** Real facility's name → the name that stands for it. */
export type FacilityNames = { pattern: RegExp; standIn: Map<string, string> }

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Synthea names real facilities. Each name is replaced by that of the sandbox's hospital which stands for the
 * facility, and by a phrase where none does.
 */
export function facilityNames(organizations: FhirResource[], hospitals: HospitalEntry[]): FacilityNames {
  const hospitalOf = new Map(
    hospitals.flatMap((hospital) => hospital.sites.map((site) => [site.synthea, hospital.name])),
  )
  const standIn = new Map<string, string>()
  for (const resource of organizations) {
    if (resource.resourceType !== 'Organization' || !resource.name || !resource.id) continue
    standIn.set(resource.name.toLowerCase(), hospitalOf.get(resource.id) ?? 'another care provider')
  }
  // The longest first, so that a name inside another's does not cut it.
  const longestFirst = [...standIn.keys()].sort((a, b) => b.length - a.length)
  return { pattern: new RegExp(longestFirst.map(escapeRegExp).join('|'), 'gi'), standIn }
}

const replaceIn = (text: string, { pattern, standIn }: FacilityNames) =>
  text.replace(pattern, (name) => standIn.get(name.toLowerCase()) ?? name)

/**
 * Replaces the names in the text of a FHIR bundle (JSON), and inside the base64 of its attachments.
 * The names hold no character that JSON escapes, so the text can be searched as it is.
 */
export function renameFacilities(json: string, names: FacilityNames): string {
  return replaceIn(json, names).replace(/"data":"([A-Za-z0-9+/=]+)"/g, (whole, data: string) => {
    const text = Buffer.from(data, 'base64').toString('utf8')
    const renamed = replaceIn(text, names)
    return renamed === text ? whole : `"data":"${Buffer.from(renamed, 'utf8').toString('base64')}"`
  })
}
