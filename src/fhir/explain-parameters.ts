import type { Parameters, ParametersParameter } from 'fhir/r4.js'
import { isPurpose, PURPOSE_SYSTEM } from '../domain/consent/purposes.ts'
import { wayleaveError } from '../domain/errors.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'

/** What `Consent/$explain` and `Consent/$preview` take, read from FHIR Parameters. */
export type ExplainInput = {
  patient: { reference?: string; identifier?: Identifier }
  recipient?: Identifier
  purpose?: string
  classes: string[]
  kinds: string[]
  /** `Type/id` of one record. */
  record?: string
  consent?: unknown
}

const MAX_PARAMETERS = 200

/** @throws WayleaveError `request-invalid`, `purpose-unknown` */
export function readExplainInput(body: unknown): ExplainInput {
  const { resourceType, parameter } = (body ?? {}) as Partial<Parameters>
  if (resourceType !== 'Parameters' || !Array.isArray(parameter) || parameter.length > MAX_PARAMETERS)
    throw wayleaveError('request-invalid', 'Parameters')
  const named = (name: string) => parameter.filter((one) => one?.name === name)
  const codes = (name: string) =>
    named(name).map(({ valueCode }) => (typeof valueCode === 'string' ? valueCode : ''))
  const [patient] = named('patient')
  const of = patient?.valueIdentifier ?? patient?.valueReference?.identifier
  const reference = patient?.valueReference?.reference
  const identifier = identifierIn(of)
  if (!reference && !identifier) throw wayleaveError('request-invalid', 'parameter patient')
  const recipient = identifierIn(named('recipient')[0]?.valueIdentifier)
  const purpose = named('purpose')[0]?.valueCoding
  if (purpose && (purpose.system !== PURPOSE_SYSTEM || !isPurpose(purpose.code)))
    throw wayleaveError('purpose-unknown')
  const consent = named('consent')[0]?.resource
  const record = named('record')[0]?.valueReference?.reference
  return {
    patient: { ...(reference ? { reference } : {}), ...(identifier ? { identifier } : {}) },
    ...(recipient ? { recipient } : {}),
    ...(purpose?.code ? { purpose: purpose.code } : {}),
    classes: codes('class'),
    kinds: codes('kind'),
    ...(typeof record === 'string' && record ? { record } : {}),
    ...(consent ? { consent } : {}),
  }
}

function identifierIn(x: { system?: unknown; value?: unknown } | undefined): Identifier | undefined {
  const { system, value } = x ?? {}
  return typeof system === 'string' && typeof value === 'string' && system && value
    ? { system, value }
    : undefined
}

type Rule = { consent: string; specificity: readonly string[]; decision: string; reason?: string }

const rulePart = (name: string, { consent, specificity, decision, reason }: Rule): ParametersParameter => ({
  name,
  part: [
    { name: 'consent', valueReference: { reference: consent } },
    ...specificity.map((valueString) => ({ name: 'specificity', valueString })),
    { name: 'decision', valueCode: decision },
    ...(reason ? [{ name: 'reason', valueCode: reason }] : []),
  ],
})

/** The answer of `$explain`: decision, reason, a sentence for people, the rule that decided and those that it beat. */
export function explainOutput(explained: {
  decision: string
  reason?: string
  sentence: string
  rule: Rule | null
  beaten: readonly Rule[]
}): Parameters {
  const { decision, reason, sentence, rule, beaten } = explained
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'decision', valueCode: decision },
      ...(reason ? [{ name: 'reason', valueCode: reason }] : []),
      { name: 'sentence', valueString: sentence },
      ...(rule ? [rulePart('rule', rule)] : []),
      ...beaten.map((one) => rulePart('beaten', one)),
    ],
  }
}

/** The answer of `$preview`: what would be opened, and what withheld and why. */
export function previewOutput(preview: {
  opened: readonly { record: string }[]
  withheld: readonly { record: string; reason?: string }[]
}): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      ...preview.opened.map(({ record }) => ({ name: 'opened', valueReference: { reference: record } })),
      ...preview.withheld.map(({ record, reason }) => ({
        name: 'withheld',
        part: [
          { name: 'record', valueReference: { reference: record } },
          ...(reason ? [{ name: 'reason', valueCode: reason }] : []),
        ],
      })),
    ],
  }
}
