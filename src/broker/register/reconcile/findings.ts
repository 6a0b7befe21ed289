/** In what ways FHIR server, a broker's books and the chain can disagree. */
export const KINDS = {
  missing: 'at the FHIR server, and not registered',
  extra: 'registered, and not at the FHIR server',
  different: 'at the FHIR server otherwise than it was registered',
  unsent: 'registered and said to be sent, and not on the chain',
  altered: 'on the chain otherwise than it was registered',
  unknown: 'on the chain in this hospital’s name, and in no book of it',
} as const

export type Kind = keyof typeof KINDS

/** One disagreement: a version as `Type/id/_history/version`, or the tag of an entry. */
export type Finding = { kind: Kind; what: string }

export type Count = { found: number; mended: number; examples: string[] }

export type Report = {
  /** Versions at the FHIR server that belong to a patient, and those among them that cannot be committed to. */
  versions: number
  refused: number
  /** Some of these, as `Type/id/_history/version`. */
  refusedExamples: string[]
  /** Entries in the books, those of them that are on their way to the chain, and entries of nobody on the chain. */
  entries: number
  waiting: number
  padding: number
  differences: Record<Kind, Count>
  /** Whether nothing is left to be mended. */
  agree: boolean
}

/** What one comparison finds, kind by kind; of each kind a few are named, and all counted. */
export type Findings = ReturnType<typeof createFindings>

const EXAMPLES = 20

export function createFindings() {
  const counts = { versions: 0, refused: 0, entries: 0, waiting: 0, padding: 0 }
  const differences = Object.fromEntries(
    Object.keys(KINDS).map((kind) => [kind, { found: 0, mended: 0, examples: [] }]),
  ) as unknown as Record<Kind, Count>
  const refusedExamples: string[] = []
  return {
    counts,
    /** Begins the walk of the FHIR server anew. */
    reset(): void {
      Object.assign(counts, { versions: 0, refused: 0 })
      refusedExamples.length = 0
    },
    refused(what: string): void {
      counts.refused++
      if (refusedExamples.length < EXAMPLES) refusedExamples.push(what)
    },
    add({ kind, what }: Finding): void {
      differences[kind].found++
      if (differences[kind].examples.length < EXAMPLES) differences[kind].examples.push(what)
    },
    mended(kind: Kind, count: number): void {
      differences[kind].mended += count
    },
    report(): Report {
      const agree = Object.values(differences).every(({ found, mended }) => found === mended)
      return { ...counts, refusedExamples: [...refusedExamples], differences, agree }
    },
  }
}
