/** A custodian's own labelling rules, as its file holds them, and as value sets of a terminology service. */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { isResourceType } from '../../consent/resource-types.ts'
import { isSensitiveKind, SENSITIVE_KINDS, type SensitiveKind } from '../../consent/sensitivities.ts'
import { wayleaveError } from '../../errors.ts'
import type { LabelRule } from './rules.ts'
import { codesOfValueSet } from './value-set.ts'

const closed = { additionalProperties: false }
const Text = Type.String({ minLength: 1, pattern: '\\S' })
const Texts = Type.Array(Text, { minItems: 1 })
const BySystem = Type.Record(Type.String({ minLength: 1, pattern: '^\\S+$' }), Texts)
/** One of `SENSITIVE_KINDS`; checked below, so that the message can name them. */
const Kind = Type.String()

const Rule = Type.Object(
  {
    kind: Kind,
    codes: Type.Optional(BySystem),
    prefixes: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ pattern: '[A-Za-z0-9]' }), { minItems: 1 }),
      ),
    ),
    words: Type.Optional(Texts),
    harmless: Type.Optional(Texts),
    types: Type.Optional(Texts),
  },
  closed,
)

/** What a file of labelling rules holds. */
export const LabelRulesFile = Type.Object(
  {
    /** `add` (unless told): beside the rules that come with Wayleave. `replace`: in their place. */
    defaults: Type.Optional(Type.Union([Type.Literal('add'), Type.Literal('replace')])),
    rules: Type.Optional(Type.Array(Rule)),
    /** R4 ValueSets, each in a file of its own beside this one. */
    valueSets: Type.Optional(Type.Array(Type.Object({ kind: Kind, file: Text }, closed))),
  },
  closed,
)

export type LabelRulesFile = Static<typeof LabelRulesFile>

export type ReadRules = { readonly replaces: boolean; readonly rules: LabelRule[] }

/**
 * Reads one file of rules.
 *
 * @param readValueSet the ValueSet in the file of that name
 * @throws WayleaveError `request-invalid`, naming the field that is wrong
 */
export function readRules(json: unknown, readValueSet: (file: string) => unknown): ReadRules {
  if (!Value.Check(LabelRulesFile, json)) {
    const [first] = Value.Errors(LabelRulesFile, json)
    throw invalid(first?.instancePath ?? '', first?.message ?? 'no labelling rules')
  }
  const { defaults, rules = [], valueSets = [] } = json
  const own = rules.map((rule, i): LabelRule => {
    const { kind, words, types, ...rest } = rule
    const at = `/rules/${i}`
    words?.forEach((word, j) => {
      checkWord(word, `${at}/words/${j}`)
    })
    types?.forEach((type, j) => {
      if (!isResourceType(type)) throw invalid(`${at}/types/${j}`, `${type} is no resource type of R4`)
    })
    return {
      kind: kindOf(kind, `${at}/kind`),
      ...(rest.codes ? { codes: rest.codes } : {}),
      ...(rest.prefixes ? { prefixes: rest.prefixes } : {}),
      ...(rest.harmless ? { harmless: rest.harmless } : {}),
      ...(words ? { words } : {}),
      ...(types ? { types } : {}),
    }
  })
  const mapped = valueSets.map(({ kind, file }, i): LabelRule => {
    const found = { kind: kindOf(kind, `/valueSets/${i}/kind`), codes: {} }
    return { ...found, codes: codesOfValueSet(readValueSet(file), file) }
  })
  if (own.length + mapped.length === 0) throw invalid('', 'no rules in it')
  return { replaces: defaults === 'replace', rules: [...own, ...mapped] }
}

const invalid = (path: string, why: string) => wayleaveError('request-invalid', `${path || '/'}: ${why}`)

function kindOf(kind: string, path: string): SensitiveKind {
  if (isSensitiveKind(kind)) return kind
  throw invalid(path, `${kind} is no sensitive kind; these are: ${Object.keys(SENSITIVE_KINDS).join(' ')}`)
}

/** A `*` ends a single word, and stands for nothing elsewhere; what comes before it is long enough to mean something. */
function checkWord(word: string, path: string): void {
  if (word.includes('*') && !/^[\p{L}\p{N}]{3,}\*$/u.test(word))
    throw invalid(path, 'a * ends a single word of three letters or more')
}
