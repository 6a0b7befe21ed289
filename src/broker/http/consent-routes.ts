import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bundle, Consent, Reference } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { consentOfSlot } from '../../domain/consent/fhir/consent-of-slot.ts'
import { wishesOfConsent, wishesToSign } from '../../domain/consent/fhir/wishes-of-consent.ts'
import { dayOf } from '../../domain/days.ts'
import { problemsError, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId, parseIdentifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import type { Asker } from '../../exchange/b2b.ts'
import { explainOutput, previewOutput, readExplainInput } from '../../fhir/explain-parameters.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { ConsentSlots } from '../consent/consent-slots.ts'
import type { Explainer } from '../consent/explain.ts'
import type { Proposals } from '../consent/proposals.ts'
import { partyOf } from '../release/parties.ts'
import type { HisGrant } from './his-routes.ts'
import { textOf } from './server.ts'
import { assertMatch, sendVersion, withVersion } from './versions.ts'

const PARAMETERS = new Set(['patient', 'patient.identifier', 'status', '_format'])

/**
 * A custodian's programs read its patients' consents as FHIR Consents and file new ones (IHE PCF, ITI-108). Filing and
 * revoking prepare only: the patient's signature puts it in force (I2), and the state in between shows as `proposed`.
 */
export function consentRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    db: Kysely<BrokerTables>
    clock: Clock
    patients: PatientStore
    proposals: Proposals
    slots: ConsentSlots
    explainer: Explainer
    accessLog: AccessLog
    index: IndexQueries
    custodian: Hex
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, patients, proposals } = deps

  app.get('/fhir/Consent', async (request, reply) => {
    const grant = await deps.authorise(request, 'system/Consent.rs')
    const parameters = request.query as Record<string, unknown>
    if (Object.keys(parameters).some((name) => !PARAMETERS.has(name)))
      throw wayleaveError('unsupported-parameter')
    const patient = await patientAsked(parameters)
    const wanted = parameters.status === undefined ? undefined : textOf(parameters.status).split(',')
    if (patient) await noteRead(grant, patient)
    const found = patient ? await consentsOf(patient) : []
    const shown = found.filter(({ status }) => wanted === undefined || wanted.includes(status))
    return fhir(reply).send(searchset(shown))
  })

  app.get<{ Params: { id: string } }>('/fhir/Consent/:id', async (request, reply) => {
    const grant = await deps.authorise(request, 'system/Consent.rs')
    const { consent, patient } = await read(request.params.id)
    await noteRead(grant, patient)
    return sendVersion(request, reply, consent)
  })

  const file = async (request: FastifyRequest, reply: FastifyReply) => {
    const { asker } = await deps.authorise(request, 'system/Consent.c')
    if (!asker) throw wayleaveError('user-missing')
    const consent = consentIn(request.body)
    const { wishes, problems } = wishesToSign(consent, dayOf(deps.clock.now()))
    if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
    const patient = await patientOf(consent as Consent)
    const filed = wishes.map((wish) => ({ effect: wish.effect, wish }))
    const by = personOf(asker)
    const ids = await db.transaction().execute((trx) => proposals.file(trx, patient, filed, by))
    const made = (await consentsOf(patient)).filter(({ id }) => ids.includes(id ?? ''))
    reply.status(201)
    const [only] = made
    if (made.length !== 1 || !only) return fhir(reply).send(searchset(made))
    return sendVersion(request, reply.header('location', `${deps.base()}/fhir/Consent/${only.id}`), only)
  }
  app.post('/fhir/Consent', file)
  app.post('/fhir/Consent/$fileConsent', file)

  /** What is to take a slot's place waits for the patient's signature; what stands, stands until then. */
  app.put<{ Params: { id: string } }>('/fhir/Consent/:id', async (request, reply) => {
    const { asker } = await deps.authorise(request, 'system/Consent.u')
    if (!asker) throw wayleaveError('user-missing')
    const { patient, slot, filing } = await matching(request)
    const { wishes, problems } = wishesToSign(request.body, dayOf(deps.clock.now()))
    if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
    const [wish] = wishes
    const { granteeType, grantee, purpose } = slot.scope
    const isSame =
      wish?.purpose === purpose && wish.to.granteeType === granteeType && wish.to.grantee === grantee
    if (!wish || wishes.length > 1 || !isSame)
      throw problemsError('consent-unenforceable', [
        { path: 'provision', reason: 'for another party or purpose: that is another Consent' },
      ])
    const of = await patientOf(request.body as Consent)
    if (of.id !== patient.id)
      throw problemsError('consent-unenforceable', [{ path: 'patient', reason: 'another patient' }])
    const filed = [{ effect: wish.effect, wish }]
    await filing((trx) => proposals.file(trx, patient, filed, personOf(asker)))
    return sendVersion(request, reply, (await read(slot.id)).consent)
  })

  /** Takes back what is only filed. What was signed is ended by its patient, and never deleted (I9). */
  app.delete<{ Params: { id: string } }>('/fhir/Consent/:id', async (request, reply) => {
    await deps.authorise(request, 'system/Consent.u')
    const { patient, slot, filing } = await matching(request)
    if (slot.state !== 'filed' && !slot.pending)
      throw problemsError('consent-unenforceable', [
        { path: 'status', reason: 'signed by the patient: ask for its end with $revokeConsent' },
      ])
    await filing((trx) => proposals.refuse(trx, patient, slot.id))
    return reply.status(204).send()
  })

  app.post<{ Params: { id: string } }>('/fhir/Consent/:id/$revokeConsent', async (request, reply) => {
    const { asker } = await deps.authorise(request, 'system/Consent.u')
    if (!asker) throw wayleaveError('user-missing')
    const { patient, slot, filing } = await matching(request)
    const { granteeType, grantee, purpose } = slot.scope
    const wish = {
      effect: 'permit' as const,
      to: { granteeType, grantee },
      purpose,
      dataClasses: [],
      sensitivities: [],
    }
    const by = personOf(asker)
    if (slot.state === 'filed') await filing((trx) => proposals.refuse(trx, patient, slot.id))
    else if (slot.state === 'in-force')
      await filing((trx) => proposals.file(trx, patient, [{ effect: 'end', wish }], by))
    const now = (await consentsOf(patient)).find(({ id }) => id === slot.id)
    return now ? sendVersion(request, reply, now) : reply.status(204).send()
  })

  app.post('/fhir/Consent/$explain', async (request, reply) => {
    const grant = await deps.authorise(request, 'system/Consent.rs')
    const { patient: named, recipient, purpose, classes, kinds, record } = readExplainInput(request.body)
    const [dataClass] = classes
    if (!recipient || !purpose || !(dataClass || record))
      throw wayleaveError('request-invalid', 'recipient, purpose, and class or record')
    const what = record ? { record } : { dataClass: dataClass ?? '', kinds }
    const ask = { requester: memberId(recipient), purpose, ...what }
    const patient = await patientOf({ patient: named })
    await noteRead(grant, patient)
    return fhir(reply).send(explainOutput(await deps.explainer.explain(patient, ask)))
  })

  app.post('/fhir/Consent/$preview', async (request, reply) => {
    const grant = await deps.authorise(request, 'system/Consent.rs')
    const { patient: named, classes, kinds, consent } = readExplainInput(request.body)
    const { wishes, problems } = consent ? wishesOfConsent(consent) : { wishes: [], problems: [] }
    if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
    const wish = wishes.find(({ effect }) => effect === 'permit') ?? {
      dataClasses: classes,
      sensitivities: kinds,
    }
    const patient = await patientOf({ patient: named })
    await noteRead(grant, patient)
    return fhir(reply).send(previewOutput(await deps.explainer.preview(patient, wish)))
  })

  /** Before it is answered: whoever looks at a patient's consents is seen by the patient. */
  async function noteRead({ clientId, asker }: HisGrant, patient: StoredPatient): Promise<void> {
    await deps.accessLog.append(
      db,
      {
        kind: 'consents-read',
        outcome: '0',
        custodian: await partyOf(deps.index, deps.custodian),
        user: asker ? personOf(asker) : { id: clientId },
        client: { id: clientId },
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
      },
      patient,
    )
  }

  /**
   * The Consent that a change is about, in the version that `If-Match` names where it names one, and how to write the change:
   * not at all where another program's came in between.
   */
  async function matching(request: FastifyRequest<{ Params: { id: string } }>) {
    const { id } = request.params
    const before = await proposals.mark(db, id)
    const found = await read(id)
    assertMatch(request, found.consent)
    const filing = (write: (trx: Kysely<BrokerTables>) => Promise<unknown>) =>
      db.transaction().execute(async (trx) => {
        await patients.lock(trx, found.patient.id)
        const isMatched = request.headers['if-match'] !== undefined
        if (isMatched && (await proposals.mark(trx, id)) !== before) throw wayleaveError('version-conflict')
        await write(trx)
      })
    return { ...found, filing }
  }

  async function read(id: string) {
    if (!/^[0-9a-f]{32}$/.test(id)) throw wayleaveError('consent-unknown')
    const scope = await db
      .selectFrom('scopes')
      .select('patient_id')
      // Between two whole hashes, not by a prefix: of that an index knows nothing where texts are ordered by a language.
      .where('scope_hash', '>=', `0x${id}${'0'.repeat(32)}`)
      .where('scope_hash', '<=', `0x${id}${'f'.repeat(32)}`)
      .executeTakeFirst()
    const filed = scope
      ? undefined
      : await db.selectFrom('proposals').select('patient_id').where('consent_id', '=', id).executeTakeFirst()
    const patient = await patients.byId(db, scope?.patient_id ?? filed?.patient_id ?? '')
    const slot = patient && (await deps.slots.of(patient)).find((one) => one.id === id)
    if (!patient || !slot) throw wayleaveError('consent-unknown')
    return { consent: withVersion(consentOfSlot(slot)), slot, patient }
  }

  const consentsOf = async (patient: StoredPatient) =>
    (await deps.slots.of(patient)).map((slot) => withVersion(consentOfSlot(slot)))

  async function patientAsked(parameters: Record<string, unknown>): Promise<StoredPatient | undefined> {
    const { patient: reference, 'patient.identifier': text } = parameters
    if (typeof reference === 'string') return patients.byFhirId(db, reference.replace(/^Patient\//, ''))
    if (typeof text !== 'string' || !text.includes('|'))
      throw wayleaveError('request-invalid', 'patient or patient.identifier')
    return byIdentifier(parseIdentifierText(text))
  }

  async function byIdentifier(identifier: Identifier): Promise<StoredPatient | undefined> {
    const checked = checkNationalId(identifier)
    if (!checked.ok) throw wayleaveError(checked.code)
    const found = await patients.byIdentifier(db, checked.identifier)
    return found.length === 1 ? found[0] : undefined
  }

  async function patientOf({ patient }: { patient?: Reference | undefined }): Promise<StoredPatient> {
    const { reference, identifier } = patient ?? {}
    const { system, value } = identifier ?? {}
    const found = reference
      ? await patients.byFhirId(db, reference.replace(/^.*Patient\//, ''))
      : system && value
        ? await byIdentifier({ system, value })
        : undefined
    if (found) return found
    throw problemsError('consent-unenforceable', [
      { path: 'patient', reason: 'not one patient of this hospital' },
    ])
  }

  const fhir = (reply: FastifyReply) => reply.type('application/fhir+json')

  const searchset = (consents: Consent[]): Bundle<Consent> => ({
    resourceType: 'Bundle',
    type: 'searchset',
    total: consents.length,
    entry: consents.map((resource) => ({
      fullUrl: `${deps.base()}/fhir/Consent/${resource.id}`,
      resource,
      search: { mode: 'match' },
    })),
  })
}

/** Who asked, as an entry of the trail names them. */
export const personOf = ({ userId, role, userName }: Asker) => ({
  ...{ id: userId, role },
  ...(userName ? { name: userName } : {}),
})

/** The Consent itself, or the one in Parameters, as operations take it. */
function consentIn(body: unknown): unknown {
  const { resourceType, parameter } = (body ?? {}) as {
    resourceType?: unknown
    parameter?: { resource?: unknown }[]
  }
  return resourceType === 'Parameters' && Array.isArray(parameter) ? parameter[0]?.resource : body
}
