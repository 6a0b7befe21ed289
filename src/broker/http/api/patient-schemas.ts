import { AUDIT_KINDS } from '../../../domain/audit/audit-entry.ts'
import { LONGEST_CASE_TEXT } from '../../../domain/portal/cases.ts'
import { NOTICE_KINDS } from '../../../domain/portal/notices.ts'

/** What patients' devices send and are answered, and what a desk sees of it. */

const text = { type: 'string' } as const
const instant = { type: 'string', format: 'date-time' } as const
const uuid = { type: 'string', format: 'uuid' } as const
const whole = { type: 'integer', minimum: 0 } as const

const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
})
const list = (name: string, items: object) => object({ [name]: { type: 'array', items } })

const hex = (bytes: number) => ({ type: 'string', pattern: `^0x[0-9a-fA-F]{${bytes * 2}}$` })
const day = { type: 'string', format: 'date' } as const
const truth = { type: 'boolean' } as const
const texts = { type: 'array', items: text } as const
const anyObject = { type: 'object' } as const
const about = (schema: object, description: string) => ({ ...schema, description })
const oneOf = (...values: string[]) => ({ type: 'string', enum: values })
const listOf = (items: object) => ({ type: 'array', items })

const identifier = object({ system: text, value: text })
const party = object({ id: hex(32), name: text, identifier }, ['identifier'])
const person = object({ id: text, name: text, role: text }, ['name', 'role'])
const code = about({ type: 'string', pattern: '^\\d{8}$' }, 'The one-time code')
const purpose = about(text, 'v3 PurposeOfUse code')
const kinds = about(texts, 'Sensitive kinds')
const dataClasses = about(texts, 'docs/labels.md')

const scope = object({
  granteeType: oneOf('Organization', 'Group', 'Everyone'),
  grantee: text,
  purpose,
  salt: hex(32),
})
const terms = object({ dataClasses, sensitivities: kinds, body: hex(32), salt: hex(32) })
const typedDataOf = (schema: object) =>
  about(schema, 'EIP-712 typed data: domain, types, primaryType, message')

const rule = object(
  {
    consent: about(text, 'Consent/id'),
    specificity: texts,
    decision: oneOf('permit', 'refuse'),
    reason: text,
  },
  ['reason'],
)
const previewed = object({ record: text, dataClass: text, kinds, reason: text }, ['reason'])

const caseAnswer = object({ at: instant, text, by: object({ name: text, role: text }, ['name', 'role']) })
const ownCase = {
  id: uuid,
  state: oneOf('open', 'answered', 'closed'),
  at: instant,
  changedAt: instant,
  text,
  about: about(text, 'An entry of the history'),
  answers: listOf(caseAnswer),
  withdrawn: about(truth, 'The patient has taken it back'),
}
const caseText = { type: 'string', minLength: 1, maxLength: LONGEST_CASE_TEXT }

const notice = object(
  {
    id: uuid,
    read: truth,
    kind: oneOf(...NOTICE_KINDS),
    at: instant,
    party,
    purpose,
    reason: about(text, 'docs/errors.md'),
    until: day,
    grantee: object({ granteeType: text, grantee: text }),
    event: about(text, 'Name of the contract’s event'),
    about: about(text, 'An entry of the history, a proposal or a case'),
  },
  ['party', 'purpose', 'reason', 'until', 'grantee', 'event', 'about'],
)

const entry = object(
  {
    id: text,
    recorded: instant,
    kind: oneOf(...AUDIT_KINDS),
    outcome: oneOf('0', '4', '8', '12'),
    sentence: text,
    reason: text,
    custodian: party,
    requester: party,
    user: person,
    purpose,
    record: object({ id: text, resourceType: text, dataClass: text, hash: text }, [
      'resourceType',
      'dataClass',
      'hash',
    ]),
    policy: about(text, 'Consent/id'),
    note: text,
  },
  ['reason', 'custodian', 'requester', 'user', 'purpose', 'record', 'policy', 'note'],
)

/** Who may sign in, and how a key comes to be bound. */
const ENTERING = {
  Invitation: object({ enrolment: text, code }),
  BindOffer: object({ typedData: typedDataOf(anyObject) }),
  Binding: object({
    enrolment: text,
    code,
    signer: hex(20),
    signature: hex(65),
    deadline: about(whole, 'Of the offer, in seconds'),
  }),
  Bound: object({ bound: oneOf('when mined') }),
  ChallengeWish: object({ signer: hex(20) }),
  Challenge: object({ nonce: text, origin: text, expiresAt: instant }),
  SignIn: object({ signer: hex(20), nonce: text, signature: hex(65) }),
  Session: object({
    session: about(text, 'The bearer token of what follows'),
    expiresAt: instant,
    handle: hex(32),
    scopeSecret: about(text, 'base64url'),
    custodian: hex(32),
  }),
}

/** What is signed, and what stands. */
const CONSENTING = {
  OwnConsents: object(
    {
      handle: hex(32),
      locked: truth,
      epoch: whole,
      lockSignedUpTo: { type: 'integer' },
      frozen: oneOf('identity-frozen', 'handle-closed'),
      consents: listOf(
        object(
          {
            scopeHash: hex(32),
            scope,
            state: oneOf('silent', 'permit', 'objection'),
            version: whole,
            from: day,
            until: day,
            terms,
            body: about(anyObject, 'The FHIR Consent body'),
            signedUpTo: { type: 'integer' },
          },
          ['from', 'until', 'terms', 'body'],
        ),
      ),
    },
    ['frozen'],
  ),
  ExplainWish: object(
    {
      requester: hex(32),
      purpose,
      dataClass: text,
      kinds,
      record: about(text, 'Type/id, in place of class and kinds'),
    },
    ['dataClass', 'kinds', 'record'],
  ),
  Explanation: object(
    {
      decision: oneOf('permit', 'refuse'),
      reason: text,
      sentence: text,
      rule: { anyOf: [rule, { type: 'null' }] },
      beaten: listOf(rule),
    },
    ['reason'],
  ),
  PreviewWish: object({ dataClasses, sensitivities: kinds }, ['dataClasses', 'sensitivities']),
  Preview: object({ opened: listOf(previewed), withheld: listOf(previewed) }),
  OwnProposals: list(
    'proposals',
    object({
      id: text,
      effect: oneOf('permit', 'deny', 'end'),
      wish: object(
        {
          effect: oneOf('permit', 'deny'),
          to: object({ granteeType: text, grantee: text }),
          purpose,
          dataClasses,
          sensitivities: kinds,
          from: day,
          until: day,
          body: anyObject,
        },
        ['from', 'until', 'body'],
      ),
      filedBy: person,
      filedAt: instant,
    }),
  ),
  OwnRequests: list(
    'requests',
    object(
      {
        id: hex(32),
        requester: object({ name: text, identifier }, ['identifier']),
        purpose,
        dataClasses,
        sensitivities: kinds,
        from: day,
        until: day,
        deadline: about(whole, 'Block time, in seconds'),
        reason: text,
        decision: oneOf('approved', 'rejected'),
        answered: truth,
      },
      ['decision'],
    ),
  ),
  SignedAct: {
    anyOf: [
      object(
        {
          typedData: typedDataOf(anyObject),
          signer: hex(20),
          signature: hex(65),
          body: about(anyObject, 'The FHIR Consent body that the terms name'),
          signedAt: instant,
        },
        ['body', 'signedAt'],
      ),
      object({
        domain: anyObject,
        act: text,
        message: anyObject,
        signer: hex(20),
        signature: hex(65),
        sealed: about(text, 'The clear form as a JWE for the custodian'),
      }),
      about(text, 'As application/jose: what another member’s broker passes on, unread'),
    ],
  },
  RelayReceipt: object({
    receipt: object(
      {
        digest: hex(32),
        receivedAt: instant,
        act: text,
        handle: hex(32),
        counts: oneOf('now', 'when mined', 'when approved', 'no longer'),
        relayer: hex(32),
        forwardedTo: hex(32),
      },
      ['act', 'handle', 'counts', 'relayer', 'forwardedTo'],
    ),
    jws: about(text, 'The same, signed by whoever took it'),
  }),
}

export const PATIENT_SCHEMAS: Readonly<Record<string, object>> = {
  ...ENTERING,
  ...CONSENTING,
  History: object({ history: listOf(entry), next: about(text, 'Goes into before') }, ['next']),
  Notices: object({ notices: listOf(notice), unread: whole, next: about(text, 'Goes into before') }, [
    'next',
  ]),
  NoticesRead: object({ upTo: uuid }),
  Preferences: object(
    {
      channel: about(
        oneOf('none', 'contact'),
        'contact: a message without any content to the contact on file',
      ),
      language: oneOf('en', 'nl', 'es', 'ar'),
    },
    ['language'],
  ),
  Case: object(ownCase, ['about', 'withdrawn']),
  Cases: list('cases', object(ownCase, ['about', 'withdrawn'])),
  CaseWish: object({ text: caseText, about: about(text, 'An entry of the patient’s history') }, ['about']),
  HospitalCase: object({ ...ownCase, patient: object({ reference: text }) }, ['about', 'withdrawn']),
  HospitalCases: object(
    {
      cases: listOf(object({ ...ownCase, patient: object({ reference: text }) }, ['about', 'withdrawn'])),
      next: about(text, 'Goes into after'),
    },
    ['next'],
  ),
  CaseAnswer: object({ text: caseText, close: truth }, ['close']),
  IdentifierSystems: list(
    'systems',
    object({ system: text, name: text, country: { ...text, description: 'ISO 3166-1' } }),
  ),
  EnrolmentRequest: object({
    identifier,
    contact: {
      ...text,
      description: 'A telephone number or an e-mail address that the hospital has on file',
    },
  }),
  Enrolment: object({ enrolment: uuid }),
  OpenEnrolments: list(
    'enrolments',
    object({
      id: uuid,
      startedBy: { enum: ['registrar', 'patient'] },
      at: instant,
      expiresAt: instant,
      patient: object({ reference: text }),
      contact: { ...text, description: 'Its end only' },
      confirmedBy: { type: 'array', items: text },
      needs: { ...whole, description: 'How many more persons' },
    }),
  ),
}
