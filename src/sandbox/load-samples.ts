import { isRecordType } from '../domain/records/compartment-members.ts'
import { patiently } from './patiently.ts'
import { sampleBundles } from './samples/index.ts'

/** Posts a hospital's sample bundles to its FHIR server. Loading twice changes nothing: ids are fixed. */
export async function loadSamples(
  hospitalKey: string,
  fhirBase: string,
  progress: (done: number, all: number) => void,
): Promise<void> {
  const bundles = sampleBundles(hospitalKey)
  for (const [i, bundle] of bundles.entries()) {
    await patiently(async () => {
      const answer = await fetch(fhirBase, {
        method: 'POST',
        headers: { 'content-type': 'application/fhir+json' },
        body: JSON.stringify(bundle),
      })
      const text = await answer.text()
      if (!answer.ok)
        throw new Error(`${hospitalKey}: a sample bundle was refused: ${answer.status} ${text.slice(0, 300)}`)
    })
    progress(i + 1, bundles.length)
  }
}

/** How many records the broker of a hospital has to register for its samples. */
export function countSampleRecords(hospitalKey: string): number {
  return sampleBundles(hospitalKey)
    .flatMap((bundle) => bundle.entry ?? [])
    .filter((entry) => entry.resource && isRecordType(entry.resource.resourceType)).length
}
