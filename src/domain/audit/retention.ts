/**
 * How long lines of an audit trail are kept at least, where a law says so. These are the shortest periods; whether another
 * law asks for more, or for less, is for the hospital to find out.
 */
const SHORTEST_RETENTION = {
  /** Bundesgesetz über das elektronische Patientendossier (SR 816.1), art. 10 para. 3. */
  CH: 10,
  /** Besluit van 27 juni 2019 (Stcrt. 2019, 38007), to art. 5 Besluit elektronische gegevensverwerking door zorgaanbieders. */
  NL: 5,
  /** HIPAA: 45 CFR 164.316(b)(2)(i), and 164.528(a) for accountings of disclosures. */
  US: 6,
} as const satisfies Record<string, number>

export type Retention = { jurisdiction: string; years: number }

/**
 * @param given ISO 3166-1 code, and years where they are more than that law asks for or it is in no list
 * @throws RangeError where neither says how long, or where it is shorter than the law's period
 */
export function retentionOf(given: { jurisdiction: string; years?: number }): Retention {
  const { jurisdiction, years } = given
  const shortest = (SHORTEST_RETENTION as Record<string, number | undefined>)[jurisdiction]
  const kept = years ?? shortest
  if (kept === undefined)
    throw new RangeError(`audit.retention: say for how many years; no period of ${jurisdiction} is known`)
  if (shortest !== undefined && kept < shortest)
    throw new RangeError(`audit.retention: ${jurisdiction} asks for ${shortest} years at least`)
  return { jurisdiction, years: kept }
}

/** The instant from which on lines are still kept. @param nowMs milliseconds since 1970 */
export function keptFrom({ years }: Retention, nowMs: number): string {
  const at = new Date(nowMs)
  at.setUTCFullYear(at.getUTCFullYear() - years)
  return at.toISOString()
}
