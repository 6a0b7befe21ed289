import type { JsonRpcProvider } from 'ethers'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { ConsentReader } from '../../chain/consent-reader.ts'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import type { OwnRequest } from '../../domain/consent/own-requests.ts'
import { isPurpose } from '../../domain/consent/purposes.ts'
import { type ActPlace, readHashedAct, readSignedAct } from '../../domain/consent/read-signed-act.ts'
import { wayleaveError } from '../../domain/errors.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { urnOf } from '../../domain/merging/merged-copy.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { Relayer } from '../../relayer/relayer.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { Acts } from '../consent/accept-act.ts'
import type { Explainer } from '../consent/explain.ts'
import type { Proposals } from '../consent/proposals.ts'
import type { Delegates } from '../patients/delegates.ts'
import { readHeldConsents } from '../patients/own-consents.ts'
import type { Sessions } from '../patients/sessions.ts'
import type { Gatherer } from '../receive/gather-records.ts'
import { outcomeEntry } from '../receive/notices.ts'
import type { People } from '../receive/people.ts'
import { partyOf } from '../release/parties.ts'
import type { ReceivedRequests } from '../requests/received-requests.ts'
import { bodyOf, credential, textOf } from './server.ts'

/** Records on one page of a patient's own record. */
const OWN_PAGE = 200

/** What a patient's device asks of a broker, and what anybody relays. */
export function patientRoutes(
  app: FastifyInstance,
  deps: {
    db: Kysely<BrokerTables>
    provider: JsonRpcProvider
    reader: ConsentReader
    signers: SignerReader
    delegates: Delegates
    clock: Clock
    custodian: Hex
    patients: PatientStore
    vault: Vault
    sessions: Sessions
    acts: Acts
    requests: Pick<ReceivedRequests, 'openFor' | 'refuse'>
    index: IndexQueries
    proposals: Proposals
    explainer: Explainer
    relayer: Relayer
    people: People
    gatherer: Gatherer
    accessLog: AccessLog
    /** The hospital's FHIR server. */
    source: { base: string }
    place: ActPlace
  },
): void {
  const { db, sessions } = deps
  const signedIn = (request: FastifyRequest) => sessions.patientOf(credential(request, 'Bearer'))

  app.post('/patient/challenge', async (request) => sessions.challenge(bodyOf(request).signer))

  app.post('/patient/session', async (request) => {
    const { session, expiresAt, patient, as } = await sessions.open(bodyOf(request))
    const { handle, scopeSecret } = patient.secrets
    const common = { session, expiresAt, as, handle, custodian: deps.custodian }
    // Nobody but the bound key can name a party that is not named yet (design §3).
    return as === 'owner' ? { ...common, scopeSecret } : common
  })

  app.get('/patient/consents', async (request) =>
    readHeldConsents(db, deps, await sessions.holderOf(credential(request, 'Bearer'))),
  )

  /** All that this hospital has of the patient, page by page, as a searchset (FHIR R4 §3.1.1.1). */
  app.get<{ Querystring: { after?: string } }>('/patient/record', async (request, reply) => {
    const patient = await signedIn(request)
    const { own } = (await deps.people.byId(patient.secrets.fhirId)) ?? {}
    if (!own) throw wayleaveError('not-available', 'the Patient is gone')
    const { after } = request.query
    await deps.accessLog.append(
      db,
      {
        kind: 'own-record-read',
        outcome: '0',
        custodian: await partyOf(deps.index, deps.custodian),
        patient: { reference: `Patient/${own.id}` },
      },
      patient,
    )
    const page = { limit: OWN_PAGE, ...(after === undefined ? {} : { after: textOf(after) }) }
    const { records, provenances, notices, next } = await deps.gatherer.ownFor(own, page)
    const entry = (fullUrl: string, resource: unknown, mode: 'match' | 'include') => ({
      ...{ fullUrl, resource: resource as FhirResource },
      search: { mode },
    })
    const bundle: Bundle = {
      resourceType: 'Bundle',
      type: 'searchset',
      ...(next === undefined
        ? {}
        : { link: [{ relation: 'next', url: `record?after=${encodeURIComponent(next)}` }] }),
      entry: [
        ...(after === undefined ? [entry(`${deps.source.base}/Patient/${own.id}`, own, 'match')] : []),
        ...records.map(({ fullUrl, resource }) => entry(fullUrl, resource, 'match')),
        ...provenances.map((resource) => entry(urnOf(resource.id ?? ''), resource, 'include')),
        outcomeEntry(notices),
      ],
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  app.post('/patient/explain', async (request) => {
    const patient = await signedIn(request)
    const { requester, purpose, dataClass, kinds = [], record } = bodyOf(request)
    const ask = { requester: textOf(requester), purpose: textOf(purpose) }
    if (!isHex(ask.requester, 32) || !isTexts(kinds))
      throw wayleaveError('request-invalid', 'requester or kinds')
    if (!isPurpose(ask.purpose)) throw wayleaveError('purpose-unknown')
    const what = record === undefined ? { dataClass: textOf(dataClass), kinds } : { record: textOf(record) }
    return deps.explainer.explain(patient, { ...ask, requester: ask.requester, ...what })
  })

  app.post('/patient/preview', async (request) => {
    const patient = await signedIn(request)
    const { dataClasses = [], sensitivities = [] } = bodyOf(request)
    if (!isTexts(dataClasses) || !isTexts(sensitivities))
      throw wayleaveError('request-invalid', 'lists of texts')
    return deps.explainer.preview(patient, { dataClasses, sensitivities })
  })

  app.get('/patient/proposals', async (request) => ({
    proposals: await deps.proposals.of(db, await signedIn(request)),
  }))

  app.post<{ Params: { id: string } }>('/patient/proposals/:id/refusal', async (request, reply) => {
    await deps.proposals.refuse(db, await signedIn(request), request.params.id)
    return reply.status(204).send()
  })

  app.get('/patient/requests', async (request) => ({
    requests: await requestsOf(await signedIn(request)),
  }))

  app.post<{ Params: { id: string } }>('/patient/requests/:id/refusal', async (request, reply) => {
    await deps.requests.refuse(await signedIn(request), request.params.id)
    return reply.status(204).send()
  })

  async function requestsOf(patient: StoredPatient): Promise<OwnRequest[]> {
    return Promise.all(
      (await deps.requests.openFor(patient)).map(async ({ commitment, request, decision, answer }) => {
        const { purpose, dataClasses, sensitivities, from, until, deadline, reason } = request
        const { id: _id, ...requester } = await partyOf(deps.index, request.requester)
        const state = { ...(decision ? { decision } : {}), answered: answer !== undefined }
        const what = { purpose, dataClasses, sensitivities, from, until, deadline, reason }
        return { id: commitment, requester, ...what, ...state }
      }),
    )
  }

  app.post('/relay', async (request, reply) => {
    // JWE to this custodian, passed on unread by another member's broker.
    if (typeof request.body === 'string')
      return reply.status(202).send(await deps.relayer.takeSealed(request.body))
    const input = bodyOf(request)
    if (input.sealed !== undefined) {
      return reply.status(202).send(await deps.relayer.passOn(readHashedAct(input, deps.place)))
    }
    return reply.status(202).send(await deps.acts.accept(readSignedAct(input, deps.place)))
  })
}

const isTexts = (x: unknown): x is string[] =>
  Array.isArray(x) && x.length <= 64 && x.every((item) => typeof item === 'string' && item.length <= 64)
