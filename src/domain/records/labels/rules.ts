/** What a labelling rule set is made of, and the compile step that makes it fast. */
import type { SensitiveKind } from '../../consent/sensitivities.ts'
import { wayleaveError } from '../../errors.ts'
import { indexPhrases, type PhraseIndex } from './phrases.ts'

export type LabelRule = {
  readonly kind: SensitiveKind
  /** Code system URI -> exact codes. */
  readonly codes?: Readonly<Record<string, readonly string[]>>
  /** Code system URI -> beginnings of codes, for systems whose codes spell their hierarchy (ICD-10, ATC). */
  readonly prefixes?: Readonly<Record<string, readonly string[]>>
  /** Whole words or phrases in any human-readable text; `*` at the end of a single word matches any ending. */
  readonly words?: readonly string[]
  /** Phrases that contain one of the words and mean something else, such as "hearing aids". */
  readonly harmless?: readonly string[]
  /** Resource types that are always of this kind. */
  readonly types?: readonly string[]
}

export type CompiledRules = {
  /** Code system URI -> code -> kinds. */
  readonly codes: ReadonlyMap<string, ReadonlyMap<string, readonly SensitiveKind[]>>
  /** Code system URI -> beginnings with their kind. */
  readonly prefixes: ReadonlyMap<string, readonly (readonly [prefix: string, kind: SensitiveKind])[]>
  readonly types: ReadonlyMap<string, readonly SensitiveKind[]>
  readonly phrases: PhraseIndex<SensitiveKind>
}

/**
 * Turns a rule set into look-up tables. Do it once, at start.
 * @throws WayleaveError `not-ready` for an empty rule set: without rules everything would count as ordinary
 */
export function compileRules(rules: readonly LabelRule[]): CompiledRules {
  if (rules.length === 0) throw wayleaveError('not-ready', 'labelling rules are empty')
  const codes = new Map<string, Map<string, SensitiveKind[]>>()
  const prefixes = new Map<string, [string, SensitiveKind][]>()
  const types = new Map<string, SensitiveKind[]>()
  const words: [string, SensitiveKind][] = []
  for (const rule of rules) {
    for (const [system, list] of Object.entries(rule.codes ?? {})) {
      const table = codes.get(system) ?? new Map<string, SensitiveKind[]>()
      codes.set(system, table)
      for (const code of list) table.set(code, [...(table.get(code) ?? []), rule.kind])
    }
    for (const [system, list] of Object.entries(rule.prefixes ?? {})) {
      prefixes.set(system, [
        ...(prefixes.get(system) ?? []),
        ...list.map((prefix): [string, SensitiveKind] => [normalCode(prefix), rule.kind]),
      ])
    }
    for (const type of rule.types ?? []) types.set(type, [...(types.get(type) ?? []), rule.kind])
    for (const word of rule.words ?? []) words.push([word, rule.kind])
  }
  const harmless = rules.flatMap((rule) => rule.harmless ?? [])
  return { codes, prefixes, types, phrases: indexPhrases(words, harmless) }
}

/** Hierarchical codes are compared without the dot and without regard to case: F10.2, f102 and F10 begin alike. */
export const normalCode = (code: string): string => code.replaceAll('.', '').toUpperCase()
