import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { dataClassOf, isDataClass, isResourceType } from '../../domain/consent/data-classes.ts'
import { RESOURCE_TYPES_SYSTEM } from '../../domain/consent/fhir/consent-of-slot.ts'
import { isPurpose } from '../../domain/consent/purposes.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, ZERO_32 } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ConsentStates } from '../consent/consent-state.ts'
import { type Consulted, consultConsent } from '../consent/consult.ts'
import { partyOf } from '../release/parties.ts'
import { personOf } from './consent-routes.ts'
import type { HisGrant } from './his-routes.ts'

/** A CDS service as `GET /cds-services` lists it (CDS Hooks 2.0, Discovery). */
const SERVICE = {
  hook: 'patient-consent-consult',
  id: 'patient-consent-consult',
  title: 'May this be disclosed?',
  description:
    'Decides by the consents on the chain whether an organisation may have data of a patient of this hospital for a purpose, and says what has to be kept back.',
}

const DECISIONS = { permit: 'CONSENT_PERMIT', deny: 'CONSENT_DENY', 'no-consent': 'NO_CONSENT' } as const
const INDICATORS = { permit: 'info', deny: 'critical', 'no-consent': 'warning' } as const

/** CDS Hooks for the custodian's own programs: the decision as a card, and as an extension that programs read. */
export function cdsRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    states: ConsentStates
    patients: PatientStore
    clock: Clock
    accessLog: AccessLog
    index: IndexQueries
    custodian: Hex
    base: () => string
    name: string
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  app.get('/cds-services', async () => ({ services: [SERVICE] }))

  app.post('/cds-services/patient-consent-consult', async (request, reply) => {
    const grant = await deps.authorise(request, 'system/Consent.rs')
    const { patientId, actor, purposes, dataClasses } = readContext(request.body)
    const patient = await patientOf(patientId)
    const ask = { requester: requesterOf(actor), purposes, ...(dataClasses ? { dataClasses } : {}) }
    const consulted: Consulted = patient
      ? await consultConsent(deps, patient, ask)
      : { decision: 'no-consent', basedOn: [], redact: [] }
    await noteConsulted(grant, ask, consulted, patient)
    return reply.type('application/json').send(answerOf(consulted))
  })

  /** Before it is answered: what a consult tells of the patient's wishes, somebody has read. */
  async function noteConsulted(
    { clientId, asker }: HisGrant,
    { requester, purposes }: { requester: Hex; purposes: readonly string[] },
    { decision, basedOn }: Consulted,
    patient: StoredPatient | undefined,
  ): Promise<void> {
    const [purpose] = purposes
    const [policy] = basedOn
    await deps.accessLog.append(
      deps.db,
      {
        ...{ kind: 'consents-consulted', outcome: '0' },
        custodian: await partyOf(deps.index, deps.custodian),
        requester: await partyOf(deps.index, requester),
        user: asker ? personOf(asker) : { id: clientId },
        client: { id: clientId },
        ...(patient ? { patient: { reference: `Patient/${patient.secrets.fhirId}` } } : {}),
        ...(purpose === undefined ? {} : { purpose }),
        ...(policy === undefined ? {} : { policy }),
        note: ANSWERS[decision],
      },
      patient,
    )
  }

  async function patientOf(identifiers: readonly Identifier[]): Promise<StoredPatient | undefined> {
    for (const identifier of identifiers) {
      const checked = checkNationalId(identifier)
      const found = await deps.patients.byIdentifier(deps.db, checked.ok ? checked.identifier : identifier)
      if (found.length === 1) return found[0]
    }
    return undefined
  }

  function answerOf({ decision, basedOn, redact }: Consulted) {
    const system = 'http://terminology.hl7.org/CodeSystem/v3-ActCode'
    const obligations =
      redact.length > 0 ? [{ id: { system, code: 'REDACT' }, parameters: { codes: redact } }] : []
    const extension = {
      decision: DECISIONS[decision],
      dateTime: new Date(deps.clock.now()).toISOString(),
      ...(basedOn.length > 0 ? { basedOn: basedOn[0] } : {}),
      obligations,
    }
    const card = {
      summary: DECISIONS[decision],
      detail: DETAILS[decision],
      indicator: INDICATORS[decision],
      source: { label: deps.name, url: deps.base() },
      extension,
    }
    return { cards: [card], extension }
  }
}

const ANSWERS = {
  permit: 'The answer was yes.',
  deny: 'The answer was no.',
  'no-consent': 'The answer was that no consent concerns it.',
} as const

const DETAILS = {
  permit:
    'A consent on the chain permits this; what carries the labels of the obligations has to be taken out.',
  deny: 'The patient has forbidden this, or a condition for releasing anything does not hold.',
  'no-consent': 'No consent concerns this.',
} as const

type Context = { patientId: Identifier[]; actor: Identifier[]; purposes: string[]; dataClasses?: string[] }

/** @throws WayleaveError `request-invalid`, `purpose-missing`, `purpose-unknown` */
function readContext(body: unknown): Context {
  const { hook, context } = (body ?? {}) as { hook?: unknown; context?: Record<string, unknown> }
  if (hook !== SERVICE.hook || typeof context !== 'object' || context === null)
    throw wayleaveError('request-invalid', 'hook or context')
  const patientId = identifiersIn(context.patientId)
  const actor = identifiersIn(context.actor)
  if (patientId.length === 0 || actor.length === 0)
    throw wayleaveError('request-invalid', 'patientId or actor')
  const purposes = listIn(context.purposeOfUse).map(codeIn)
  if (purposes.length === 0) throw wayleaveError('purpose-missing')
  if (!purposes.every(isPurpose)) throw wayleaveError('purpose-unknown')
  const classes = listIn(context.class).map(classIn)
  return { patientId, actor, purposes, ...(classes.length > 0 ? { dataClasses: [...new Set(classes)] } : {}) }
}

const MAX_ITEMS = 64
const listIn = (x: unknown): unknown[] =>
  (Array.isArray(x) ? x : x === undefined ? [] : [x]).slice(0, MAX_ITEMS)

function identifiersIn(x: unknown): Identifier[] {
  return listIn(x).flatMap((one) => {
    const { system, value } = (one ?? {}) as { system?: unknown; value?: unknown }
    return typeof system === 'string' && typeof value === 'string' ? [{ system, value }] : []
  })
}

const codeIn = (x: unknown): unknown =>
  typeof x === 'object' && x !== null ? (x as { code?: unknown }).code : x

function classIn(x: unknown): string {
  const { system, code } = (x ?? {}) as { system?: unknown; code?: unknown }
  if (typeof code === 'string' && system === RESOURCE_TYPES_SYSTEM && isResourceType(code))
    return dataClassOf({ resourceType: code })
  if (typeof code === 'string' && isDataClass(code)) return code
  throw wayleaveError('request-invalid', 'class')
}

/** The organisation, among all names of whoever asks: one that is no member is nobody's grantee. */
function requesterOf([first]: readonly Identifier[]): Hex {
  return first ? memberId(first) : ZERO_32
}
