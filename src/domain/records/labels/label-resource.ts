/**
 * Labels one resource as a whole, contained resources included: what is sensitive in any part of it is sensitive in
 * all of it, since a resource is released whole or not at all (design §6).
 *
 * - A label at the source is never lowered, whatever the rules find.
 * - Free text that nobody has labelled counts as restricted (kind R). Attachments are not decoded or read, so no rule
 *   can wrongly clear one. Only a confidentiality or a sensitivity on the resource itself is a label in this sense.
 * - A word in a negative sentence counts like any other: too much kept back is put right by asking, too much
 *   released is not.
 */
import type { Coding } from 'fhir/r4.js'
import { kindsOfSecurityLabels, statesConfidentiality } from '../../consent/security-labels.ts'
import { type Confidentiality, type SensitiveKind, sortKinds } from '../../consent/sensitivities.ts'
import { findPhrases } from './phrases.ts'
import { type CompiledRules, normalCode } from './rules.ts'

export type { CompiledRules, LabelRule } from './rules.ts'
export { compileRules } from './rules.ts'

export type Label = {
  readonly confidentiality: Confidentiality
  /** Sorted by bit, each once. */
  readonly kinds: SensitiveKind[]
}

/** Types that are free text by nature, wherever they stand. */
const FREE_TEXT_TYPES: ReadonlySet<string> = new Set(['Composition', 'Binary', 'Media'])

/** Strings under these keys are for machines: addresses, bytes, and codes, which are looked up with their system. */
const MACHINE_KEYS: ReadonlySet<string> = new Set(
  (
    'id system code url reference data hash contentType language profile versionId lastUpdated status ' +
    'valueUri valueUrl valueCanonical valueBase64Binary valueInstant valueDateTime resourceType'
  ).split(' '),
)

const INLINE_LABEL =
  'http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label'

/** Elements of type Attachment in the resources that can be records. */
const ATTACHMENT_KEYS: ReadonlySet<string> = new Set(
  'attachment presentedForm contentAttachment sourceAttachment valueAttachment'.split(' '),
)

type Json = Readonly<Record<string, unknown>>

/** Labels a resource by compiled rules. Pure; reads every element once. */
export function labelResource(resource: { readonly resourceType: string }, rules: CompiledRules): Label {
  const found = new Set<SensitiveKind>()
  let freeText = false
  const waiting: unknown[] = [resource]
  while (waiting.length > 0) {
    const node = waiting.pop()
    if (Array.isArray(node)) {
      waiting.push(...node)
      continue
    }
    if (!isObject(node)) continue
    for (const kind of kindsOfSecurityLabels(labelsOn(node))) found.add(kind)
    byType(node, rules, found)
    byCode(node, rules, found)
    freeText ||= isFreeText(node)
    for (const [key, value] of Object.entries(node)) {
      for (const text of textsOf(key, value)) findPhrases(rules.phrases, text, found)
      if (ATTACHMENT_KEYS.has(key)) freeText ||= holdsContent(value)
      if (typeof value === 'object') waiting.push(value)
    }
  }
  if (freeText && !labelsOn(resource).some(statesConfidentiality)) found.add('R')
  const kinds = sortKinds(found)
  return { confidentiality: kinds.includes('V') ? 'V' : kinds.length > 0 ? 'R' : 'N', kinds }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Labels of a resource, contained ones included (`meta.security`), and of a part of one (the DS4P extension). What
 * stands where a label should and is none comes out as an empty coding, which counts as V.
 */
function labelsOn(node: Json): Coding[] {
  if (node.url === INLINE_LABEL) return [isObject(node.valueCoding) ? node.valueCoding : {}]
  if (typeof node.resourceType !== 'string' || !isObject(node.meta)) return []
  const { security } = node.meta
  if (security === undefined) return []
  return Array.isArray(security) ? security.map((label) => (isObject(label) ? label : {})) : [{}]
}

function isFreeText(node: Json): boolean {
  if (typeof node.resourceType === 'string' && FREE_TEXT_TYPES.has(node.resourceType)) return true
  // Narrative (R4 §2.4): a div that a person may have written
  if (typeof node.div === 'string') return node.status !== 'generated' && node.status !== 'empty'
  return isAttachment(node)
}

const holdsContent = (value: unknown): boolean =>
  (Array.isArray(value) ? value : [value]).some(
    (item) => isObject(item) && (item.data !== undefined || item.url !== undefined),
  )

/** Attachment (R4 §2.24.0.4) by its shape; a signature and sampled data hold bytes, too, and are neither. */
function isAttachment(node: Json): boolean {
  if (node.data !== undefined) return node.origin === undefined && node.who === undefined
  return node.url !== undefined && (node.contentType !== undefined || node.size !== undefined)
}

function byType(node: Json, rules: CompiledRules, found: Set<SensitiveKind>): void {
  if (typeof node.resourceType !== 'string') return
  for (const kind of rules.types.get(node.resourceType) ?? []) found.add(kind)
}

function byCode({ system, code }: Json, rules: CompiledRules, found: Set<SensitiveKind>): void {
  if (typeof system !== 'string' || typeof code !== 'string') return
  for (const kind of rules.codes.get(system)?.get(code) ?? []) found.add(kind)
  const prefixes = rules.prefixes.get(system)
  if (prefixes === undefined) return
  const normal = normalCode(code)
  for (const [prefix, kind] of prefixes) if (normal.startsWith(prefix)) found.add(kind)
}

function textsOf(key: string, value: unknown): string[] {
  if (MACHINE_KEYS.has(key)) return []
  if (key === 'div' && typeof value === 'string') return [withoutTags(value)]
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

const INLINE_TAG = /<\/?(?:a|b|big|em|i|small|span|strong|sub|sup|tt|u)(?:\s[^>]*)?>/gi

/** XHTML as a reader sees it: inline tags vanish, other tags end words, entities are characters. */
const withoutTags = (html: string): string =>
  html
    .replace(INLINE_TAG, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, hex: string) => characterOf(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,7});/g, (_, decimal: string) => characterOf(Number(decimal)))
    .replace(/&shy;/gi, '')
    .replace(/&[a-z]+;/gi, ' ')

const characterOf = (point: number): string => (point <= 0x10ffff ? String.fromCodePoint(point) : ' ')
