import type { ErrorCode } from '../../../domain/errors.ts'

/** What a route of a broker is for. */
export type Operation = {
  tag: (typeof TAGS)[number]['name']
  summary: string
  /** The scope that its token needs; `session` for a patient's, `dpop` for another broker's, `console` for staff's; none where anybody may ask. */
  needs?: string
  /** What a body is: its schema's name and media types. */
  body?: { schema: string; types: readonly string[]; isOptional?: true }
  query?: readonly (readonly [name: string, about: string])[]
  /** The answer where it succeeds: statuses with media type and the name of a schema; 204 and 304 have neither. */
  answers: Readonly<Record<number, readonly [type: string | readonly string[], schema: string] | null>>
  errors?: readonly ErrorCode[]
}

export const TAGS = [
  { name: 'discovery', description: 'What the broker is and can; for anybody' },
  { name: 'token', description: 'Tokens and programs (SMART Backend Services, RFC 6749, RFC 7591)' },
  { name: 'records', description: 'Records that other hospitals share (IHE MHD)' },
  { name: 'consents', description: 'Consents of this hospital’s patients (IHE PCF, CDS Hooks)' },
  { name: 'requests', description: 'Asking a patient for access, and approving' },
  { name: 'events', description: 'Hearing of changes of consents' },
  { name: 'trail', description: 'The audit trail' },
  { name: 'console', description: 'What the pages of the console ask, for staff who signed in' },
  { name: 'enrolment', description: 'The enrolment desk' },
  { name: 'patient', description: 'What a patient’s device asks' },
  { name: 'cases', description: 'What patients say looks wrong' },
  { name: 'exchange', description: 'Between two brokers' },
  { name: 'operation', description: 'For supervision, and for the FHIR server' },
] as const
