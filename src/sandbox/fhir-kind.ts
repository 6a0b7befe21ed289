import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hapi, startHapi } from './hapi/hapi.ts'
import type { HospitalFiles } from './hospital-files.ts'

/** Which FHIR server a sandbox's hospitals have: our own, inside the broker's process, or HAPI FHIR. */
export type FhirKind = 'embedded' | 'hapi'

const NAMES: Readonly<Record<FhirKind, string>> = { embedded: 'the embedded FHIR servers', hapi: 'HAPI FHIR' }

/**
 * The records of a sandbox stay where they were put.
 * @throws Error when it was made with another kind of FHIR server.
 */
export function keepToFhirKind(dir: string, wanted: FhirKind): void {
  const file = join(dir, 'fhir-server')
  const used = existsSync(file)
    ? (readFileSync(file, 'utf8').trim() as FhirKind)
    : existsSync(join(dir, 'chain.json'))
      ? 'embedded'
      : wanted
  if (used !== wanted)
    throw new Error(
      `The records of ${dir} are in ${NAMES[used]}, not in ${NAMES[wanted]}. Begin anew with --fresh`,
    )
  writeFileSync(file, `${wanted}\n`)
}

/** HAPI FHIR for all hospitals in one process, its data in the sandbox's folder. */
export async function openHapi(
  dir: string,
  hospitals: readonly HospitalFiles[],
  ca: string | undefined,
  tell: (line: string) => void,
): Promise<Hapi> {
  const started = performance.now()
  const hapi = await startHapi({
    servers: Object.fromEntries(hospitals.map(({ hospital, ports }) => [hospital.key, ports.fhir])),
    database: { kind: 'folder', dir: join(dir, 'hapi') },
    accessLog: join(dir, '{name}', 'fhir-access.log'),
    ...(ca ? { ca } : {}),
    tell,
  })
  tell(
    `HAPI FHIR serves ${hospitals.length} hospitals after ${((performance.now() - started) / 1000).toFixed(1)} s.`,
  )
  return hapi
}
