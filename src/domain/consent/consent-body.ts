/**
 * The FHIR Consent body of a consent: provisions that scope, classes and kinds cannot say. The terms that the patient
 * signs hold its hash; the body lies with custodian and patient. It narrows what the rest of the consent says, and never
 * widens it.
 */
import type { Identifier } from '../identity/national-ids.ts'
import type { ConsentBody } from './body-hash.ts'
import { codingKey } from './fhir/codings.ts'
import { GROUP_SYSTEM } from './fhir/consent-of-slot.ts'
import { type CompiledConsents, compileConsents, judgeFeatures } from './fhir/decide-consents.ts'
import type { Features } from './fhir/features.ts'
import type { Recipient } from './fhir/recipient.ts'
import { readIdentifiers } from './fhir/references.ts'
import type { Specificity } from './fhir/specificity.ts'
import { PURPOSE_SYSTEM } from './purposes.ts'

export type CompiledBody = {
  readonly compiled: CompiledConsents
  /** Names of the council's groups that any provision names. */
  readonly groups: readonly string[]
  /** How specific a provision of it can be; what cannot be told counts as that. */
  readonly strictest: Specificity
}

export function compileBody(body: ConsentBody): CompiledBody {
  const compiled = compileConsents([body])
  const provisions = compiled.consents.flatMap((consent) => consent.provisions)
  const actors = provisions.flatMap((provision) => provision.actors ?? [])
  const [prefix = ''] = readIdentifiers([{ system: GROUP_SYSTEM, value: '-' }]).map((id) => id.slice(0, -1))
  const names = actors.flatMap(({ who }) => who?.names ?? [])
  return {
    compiled,
    groups: [...new Set(names.filter((name) => name.startsWith(prefix)))].map((n) => n.slice(prefix.length)),
    strictest: {
      recipient: actors.length > 0 ? 2 : 0,
      ...(provisions.some(({ purposes }) => purposes) ? { purpose: 0 } : {}),
      data: 3,
    },
  }
}

/** Who asks, as the chain has it; in no other group than these. A role counts where it is `system#code`. */
export function recipientOf(
  identifier: Identifier | undefined,
  groups: readonly string[],
  role?: string,
): Recipient {
  const [system, code] = role?.split('#') ?? []
  return {
    named: { ids: identifier ? readIdentifiers([identifier]) : [], isGroup: false },
    groups: groups.map((value) => ({
      ids: readIdentifiers([{ system: GROUP_SYSTEM, value }]),
      isGroup: true,
    })),
    ...(system && code ? { roles: new Set([codingKey(system, code)]) } : {}),
  }
}

/** `unknown`: whatever the body says depends on what is not known of the record. */
export type BodyVerdict =
  | { readonly says: 'permit' | 'deny' | 'unknown' | 'unenforceable'; readonly specificity: Specificity }
  | { readonly says: 'silent' }

const ACCESS = codingKey('http://terminology.hl7.org/CodeSystem/consentaction', 'access')

/** What the body says of one record. Without its content every body that could keep something back says `unknown`. */
export function judgeBody(
  { compiled, strictest }: CompiledBody,
  ask: { at: number; purpose: string; recipient?: Recipient | undefined },
  content: Features | undefined,
): BodyVerdict {
  if (!content) return { says: 'unknown', specificity: strictest }
  if (!ask.recipient || compiled.consents.length !== 1)
    return { says: 'unenforceable', specificity: strictest }
  const request = {
    at: ask.at,
    recipient: ask.recipient,
    purposes: [codingKey(PURPOSE_SYSTEM, ask.purpose)],
    actions: [ACCESS],
  }
  const verdict = judgeFeatures(compiled, request, content)
  return verdict.says === 'unenforceable' ? { says: 'unenforceable', specificity: strictest } : verdict
}
