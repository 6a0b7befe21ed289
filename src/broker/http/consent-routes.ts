import type { JsonRpcProvider } from 'ethers'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bundle, Consent, Reference } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import { consentOfSlot, type SlotConsent } from '../../domain/consent/fhir/consent-of-slot.ts'
import { wishesOfConsent } from '../../domain/consent/fhir/wishes-of-consent.ts'
import type { OwnConsent } from '../../domain/consent/own-consents.ts'
import type { OwnProposal } from '../../domain/consent/own-proposals.ts'
import { problemsError, wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId, parseIdentifierText } from '../../domain/identity/member-id.ts'
import { checkNationalId, type Identifier } from '../../domain/identity/national-ids.ts'
import { explainOutput, previewOutput, readExplainInput } from '../../fhir/explain-parameters.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Explainer } from '../consent/explain.ts'
import { consentIdOf, type Proposals } from '../consent/proposals.ts'
import { readOwnConsents } from '../patients/own-consents.ts'
import type { HisGrant } from './his-routes.ts'
import { textOf } from './server.ts'

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
    provider: JsonRpcProvider
    reader: ConsentReader
    patients: PatientStore
    proposals: Proposals
    explainer: Explainer
    custodian: Hex
    organization: { name: string; identifier: Identifier }
    authorise: (request: FastifyRequest, scope: string) => Promise<HisGrant>
  },
): void {
  const { db, patients, proposals } = deps

  app.get('/fhir/Consent', async (request, reply) => {
    await deps.authorise(request, 'system/Consent.rs')
    const parameters = request.query as Record<string, unknown>
    if (Object.keys(parameters).some((name) => !PARAMETERS.has(name)))
      throw wayleaveError('unsupported-parameter')
    const patient = await patientAsked(parameters)
    const wanted = parameters.status === undefined ? undefined : textOf(parameters.status).split(',')
    const found = patient ? await consentsOf(patient) : []
    const shown = found.filter(({ status }) => wanted === undefined || wanted.includes(status))
    return fhir(reply).send(searchset(shown))
  })

  app.get<{ Params: { id: string } }>('/fhir/Consent/:id', async (request, reply) => {
    await deps.authorise(request, 'system/Consent.rs')
    return fhir(reply).send((await read(request.params.id)).consent)
  })

  const file = async (request: FastifyRequest, reply: FastifyReply) => {
    const { asker } = await deps.authorise(request, 'system/Consent.c')
    if (!asker) throw wayleaveError('user-missing')
    const consent = consentIn(request.body)
    const { wishes, problems } = wishesOfConsent(consent)
    if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
    const patient = await patientOf(consent as Consent)
    const by = { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
    const filed = wishes.map((wish) => ({ effect: wish.effect, wish }))
    const ids = await db.transaction().execute((trx) => proposals.file(trx, patient, filed, by))
    const made = (await consentsOf(patient)).filter(({ id }) => ids.includes(id ?? ''))
    reply.status(201)
    const [only] = made
    if (made.length !== 1 || !only) return fhir(reply).send(searchset(made))
    return fhir(reply.header('location', `${deps.base()}/fhir/Consent/${only.id}`)).send(only)
  }
  app.post('/fhir/Consent', file)
  app.post('/fhir/Consent/$fileConsent', file)

  app.post<{ Params: { id: string } }>('/fhir/Consent/:id/$revokeConsent', async (request, reply) => {
    const { asker } = await deps.authorise(request, 'system/Consent.u')
    if (!asker) throw wayleaveError('user-missing')
    const { patient, slot } = await read(request.params.id)
    const { granteeType, grantee, purpose } = slot.scope
    const wish = {
      effect: 'permit' as const,
      to: { granteeType, grantee },
      purpose,
      dataClasses: [],
      sensitivities: [],
    }
    const by = { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) }
    if (slot.state === 'filed') await proposals.refuse(db, patient, slot.id)
    else if (slot.state === 'in-force')
      await db.transaction().execute((trx) => proposals.file(trx, patient, [{ effect: 'end', wish }], by))
    const now = (await consentsOf(patient)).find(({ id }) => id === slot.id)
    return now ? fhir(reply).send(now) : reply.status(204).send()
  })

  app.post('/fhir/Consent/$explain', async (request, reply) => {
    await deps.authorise(request, 'system/Consent.rs')
    const { patient, recipient, purpose, classes, kinds } = readExplainInput(request.body)
    const [dataClass] = classes
    if (!recipient || !purpose || !dataClass)
      throw wayleaveError('request-invalid', 'recipient, purpose or class')
    const ask = { requester: memberId(recipient), purpose, dataClass, kinds }
    return fhir(reply).send(explainOutput(await deps.explainer.explain(await patientOf({ patient }), ask)))
  })

  app.post('/fhir/Consent/$preview', async (request, reply) => {
    await deps.authorise(request, 'system/Consent.rs')
    const { patient, classes, kinds, consent } = readExplainInput(request.body)
    const { wishes, problems } = consent ? wishesOfConsent(consent) : { wishes: [], problems: [] }
    if (problems.length > 0) throw problemsError('consent-unenforceable', problems)
    const terms = wishes[0] ?? { dataClasses: classes, sensitivities: kinds }
    return fhir(reply).send(previewOutput(await deps.explainer.preview(await patientOf({ patient }), terms)))
  })

  async function read(id: string): Promise<{ consent: Consent; slot: SlotConsent; patient: StoredPatient }> {
    if (!/^[0-9a-f]{32}$/.test(id)) throw wayleaveError('consent-unknown')
    const scope = await db
      .selectFrom('scopes')
      .select('patient_id')
      .where('scope_hash', 'like', `0x${id}%`)
      .executeTakeFirst()
    const filed = scope
      ? undefined
      : await db.selectFrom('proposals').select('patient_id').where('consent_id', '=', id).executeTakeFirst()
    const patient = await patients.byId(db, scope?.patient_id ?? filed?.patient_id ?? '')
    const slot = patient && (await slotsOf(patient)).find((one) => one.id === id)
    if (!patient || !slot) throw wayleaveError('consent-unknown')
    return { consent: consentOfSlot(slot), slot, patient }
  }

  const consentsOf = async (patient: StoredPatient) => (await slotsOf(patient)).map(consentOfSlot)

  /** Every slot that was ever filed or signed for: what the chain says of it, and what waits for a signature. */
  async function slotsOf(patient: StoredPatient): Promise<SlotConsent[]> {
    const own = await readOwnConsents(db, deps, patient)
    const filed = await proposals.of(db, patient)
    const known = {
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
      custodian: deps.organization,
    }
    const onChain = own.consents
      .filter(({ version }) => version > 0)
      .map((consent) => ({ ...known, ...slotOnChain(consent) }))
    const waiting = filed
      .filter(
        ({ effect, id }) => effect !== 'end' && !onChain.some((s) => s.id === id && s.state === 'in-force'),
      )
      .map((proposal) => ({ ...known, ...slotFiled(proposal) }))
    return [...onChain.filter(({ id }) => !waiting.some((w) => w.id === id)), ...waiting]
  }

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

function slotOnChain({ scopeHash, scope, state, from, until, terms, body }: OwnConsent) {
  return {
    id: consentIdOf(scopeHash),
    state: state === 'silent' ? ('ended' as const) : ('in-force' as const),
    scope,
    effect: state === 'objection' ? ('deny' as const) : ('permit' as const),
    ...(terms ? { terms } : {}),
    ...(body ? { body } : {}),
    ...(from ? { from } : {}),
    ...(until ? { until } : {}),
  }
}

function slotFiled({ id, wish }: OwnProposal) {
  const { effect, to, purpose, dataClasses, sensitivities, from, until, body } = wish
  return {
    ...{
      id,
      effect,
      state: 'filed' as const,
      scope: { ...to, purpose },
      terms: { dataClasses, sensitivities },
    },
    ...(body ? { body } : {}),
    ...(from ? { from } : {}),
    ...(until ? { until } : {}),
  }
}

/** The Consent itself, or the one in Parameters, as operations take it. */
function consentIn(body: unknown): unknown {
  const { resourceType, parameter } = (body ?? {}) as {
    resourceType?: unknown
    parameter?: { resource?: unknown }[]
  }
  return resourceType === 'Parameters' && Array.isArray(parameter) ? parameter[0]?.resource : body
}
