import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Bundle, BundleEntry, FhirResource, OperationOutcomeIssue, Patient } from 'fhir/r4.js'
import type { Kysely } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { isResourceType } from '../../domain/consent/data-classes.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import { urnOf } from '../../domain/merging/merged-copy.ts'
import { SUMMARY_TYPES } from '../../domain/summary/sections.ts'
import { summaryDocument } from '../../domain/summary/summary-document.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { AccessLog } from '../audit/access-log.ts'
import type { Gatherer } from '../receive/gather-records.ts'
import { boundedNotice, ignoredNotice, outcomeEntry } from '../receive/notices.ts'
import type { People, Person } from '../receive/people.ts'
import { partyOf } from '../release/parties.ts'
import { isLenient, nationalId } from './document-query.ts'
import type { ClinicalGrant } from './his-routes.ts'
import { onlyOne, operationInput } from './operation-input.ts'

type Whom = { patientId: string } | { identifier: Identifier }

/** Where a page of `$everything` goes on. Sealed: an identifier stands in no address (I6), and nobody makes one up. */
type Cursor = {
  after: string
  whom: Whom
  patientUrl: string
  count: number
  types?: string[]
  clientId: string
  purpose: string
}

const COUNT = 100
const MOST = 200
/** Records that are opened for one summary, which has no second page. */
const SUMMARY_MOST = 500

/**
 * All of a person's records that this hospital may see, merged over every hospital that the patient has opened to it:
 * `Patient/$everything` (FHIR R4) page by page, and `Patient/$summary` as an International Patient Summary (HL7 IPS). The
 * person is named by the id of this hospital's own Patient, or by a national identifier.
 */
export function recordRoutes(
  app: FastifyInstance,
  deps: {
    base: () => string
    clock: Clock
    db: Kysely<BrokerTables>
    vault: Vault
    people: People
    gatherer: Gatherer
    accessLog: AccessLog
    index: IndexQueries
    member: Hex
    organization: { name: string; identifier: Identifier }
    /** The hospital's FHIR server. */
    source: { base: string }
    authoriseClinical: (request: FastifyRequest, scope: string) => Promise<ClinicalGrant>
  },
): void {
  type Operation = (request: FastifyRequest, reply: FastifyReply, patientId?: string) => Promise<unknown>
  const offer = (name: string, operation: Operation) => {
    const ofType = (request: FastifyRequest, reply: FastifyReply) => operation(request, reply)
    const ofInstance = (request: FastifyRequest, reply: FastifyReply) =>
      operation(request, reply, (request.params as { id: string }).id)
    app.get(`/fhir/Patient/${name}`, ofType)
    app.post(`/fhir/Patient/${name}`, ofType)
    app.get(`/fhir/Patient/:id/${name}`, ofInstance)
    app.post(`/fhir/Patient/:id/${name}`, ofInstance)
  }

  offer('$everything', async (request, reply, patientId) => {
    const grant = await deps.authoriseClinical(request, 'system/Patient.r')
    const { input, ignored } = read(request, ['identifier', '_count', '_type', '_cursor', '_format'])
    const cursor = readCursor(onlyOne(input, '_cursor'), grant)
    const whom = cursor?.whom ?? whomIn(input, patientId)
    const person = await personOf(whom)
    const types = cursor ? cursor.types : typesIn(input)
    const patient = patientEntry(person, cursor?.patientUrl)
    const count = cursor?.count ?? countIn(input)
    await note(grant, person, 'Patient/$everything')
    const { records, provenances, notices, next } = await deps.gatherer.gather({
      person,
      patientUrl: patient.fullUrl,
      ...grant,
      ...(types ? { types: new Set(types) } : {}),
      limit: count,
      ...(cursor ? { after: cursor.after } : {}),
    })
    const showsPatient = !cursor && (types?.includes('Patient') ?? true)
    const match = (fullUrl: string, resource: unknown): BundleEntry => {
      return { fullUrl, resource: resource as FhirResource, search: { mode: 'match' } }
    }
    const matches = [
      ...(showsPatient ? [match(patient.fullUrl, patient.resource)] : []),
      ...records.map(({ fullUrl, resource }) => match(fullUrl, resource)),
    ]
    const { purpose } = grant.asker
    const seal = (after: string): Cursor => ({
      ...{ after, whom, patientUrl: patient.fullUrl, count, clientId: grant.clientId, purpose },
      ...(types ? { types } : {}),
    })
    const bundle: Bundle = {
      resourceType: 'Bundle',
      type: 'searchset',
      timestamp: new Date(deps.clock.now()).toISOString(),
      // How many there are in all is known once all were opened, and told of no more than is shown.
      ...(cursor || next !== undefined ? {} : { total: matches.length }),
      ...(next === undefined ? {} : { link: [{ relation: 'next', url: cursorUrl(seal(next)) }] }),
      entry: [
        ...matches,
        ...provenances.map((resource): BundleEntry => {
          return { fullUrl: urnOf(resource.id ?? ''), resource, search: { mode: 'include' } }
        }),
        outcomeEntry(distinct([...notices, ...ignoredNotice(ignored)])),
      ],
    }
    return reply.type('application/fhir+json').send(bundle)
  })

  offer('$summary', async (request, reply, patientId) => {
    const grant = await deps.authoriseClinical(request, 'system/Patient.r')
    const { input, ignored } = read(request, ['identifier', '_format'])
    const person = await personOf(whomIn(input, patientId))
    const patient = patientEntry(person)
    await note(grant, person, 'Patient/$summary')
    const query = { person, patientUrl: patient.fullUrl, types: SUMMARY_TYPES, limit: SUMMARY_MOST, ...grant }
    const { records, provenances, notices, next } = await deps.gatherer.gather(query)
    const bounded = next === undefined ? [] : [boundedNotice(SUMMARY_MOST)]
    const ids = {
      ...{ document: randomUUID(), composition: randomUUID() },
      ...{ author: randomUUID(), notice: randomUUID() },
    }
    const document = summaryDocument({
      ids,
      at: new Date(deps.clock.now()).toISOString(),
      author: deps.organization,
      patient,
      records,
      provenances,
      notices: distinct([...notices, ...bounded, ...ignoredNotice(ignored)]),
    })
    return reply.type('application/fhir+json').send(document)
  })

  function read(request: FastifyRequest, known: readonly string[]) {
    const input = operationInput(request.query, request.body)
    const ignored = Object.keys(input).filter((name) => !known.includes(name))
    if (ignored.length > 0 && !isLenient(request.headers.prefer)) throw wayleaveError('unsupported-parameter')
    const format = onlyOne(input, '_format')
    if (format !== undefined && !/^(json|application\/(fhir\+)?json)$/.test(format))
      throw wayleaveError('not-acceptable')
    return { input, ignored }
  }

  function whomIn(input: Readonly<Record<string, string[]>>, patientId: string | undefined): Whom {
    const identifier = onlyOne(input, 'identifier')
    if ((identifier === undefined) === (patientId === undefined))
      throw wayleaveError('request-invalid', 'the id of a Patient, or an identifier')
    return patientId === undefined ? { identifier: nationalId(identifier) } : { patientId }
  }

  async function personOf(whom: Whom): Promise<Person> {
    if ('identifier' in whom) return deps.people.byIdentifier(whom.identifier)
    const person = await deps.people.byId(whom.patientId)
    if (!person) throw wayleaveError('not-available', 'no such Patient here')
    return person
  }

  /** This hospital's Patient; one that says no more than the identifier where the person is not known here. */
  function patientEntry(person: Person, before?: string): { fullUrl: string; resource: Patient } {
    if (person.own) return { fullUrl: `${deps.source.base}/Patient/${person.own.id}`, resource: person.own }
    const fullUrl = before ?? urnOf(randomUUID())
    const absent = {
      extension: [
        { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' },
      ],
    }
    return {
      fullUrl,
      resource: {
        resourceType: 'Patient',
        id: fullUrl.slice('urn:uuid:'.length),
        identifier: person.identifiers.map(({ system, value }) => ({ system, value })),
        name: [absent],
        _birthDate: absent,
      },
    }
  }

  /** Before anything is opened, whoever looks is noted. */
  async function note({ asker, clientId }: ClinicalGrant, { own, identifiers }: Person, operation: string) {
    const [identifier] = identifiers
    const who = await partyOf(deps.index, deps.member)
    await deps.accessLog.append(
      deps.db,
      {
        kind: 'query',
        outcome: '0',
        requester: who,
        user: { id: asker.userId, role: asker.role, ...(asker.userName ? { name: asker.userName } : {}) },
        client: { id: clientId },
        purpose: asker.purpose,
        operation,
        patient: {
          ...(own ? { reference: `Patient/${own.id}` } : {}),
          ...(identifier ? { identifier } : {}),
        },
      },
      identifier,
    )
  }

  const cursorUrl = (cursor: Cursor): string => {
    const sealed = Buffer.from(sealJson(deps.vault.storeKey, cursor)).toString('base64url')
    return `${deps.base()}/fhir/Patient/$everything?_cursor=${sealed}`
  }

  /** @throws WayleaveError `request-invalid` for what this broker did not seal for this client and purpose */
  function readCursor(sealed: string | undefined, { clientId, asker }: ClinicalGrant): Cursor | undefined {
    if (sealed === undefined) return undefined
    let cursor: Cursor
    try {
      cursor = openJson<Cursor>(deps.vault.storeKey, Buffer.from(sealed, 'base64url'))
    } catch (cause) {
      throw wayleaveError('request-invalid', 'not a cursor of ours', cause)
    }
    if (typeof cursor.after !== 'string' || cursor.clientId !== clientId || cursor.purpose !== asker.purpose)
      throw wayleaveError('request-invalid', 'a cursor of another client or purpose')
    return cursor
  }
}

function typesIn(input: Readonly<Record<string, string[]>>): string[] | undefined {
  const types = input._type?.flatMap((text) => text.split(','))
  if (types && !types.every((type) => isResourceType(type))) throw wayleaveError('request-invalid', '_type')
  return types
}

function countIn(input: Readonly<Record<string, string[]>>): number {
  const text = onlyOne(input, '_count')
  if (text === undefined) return COUNT
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wayleaveError('request-invalid', '_count')
  return Math.min(Number(text), MOST)
}

/** What two shares of one hospital have in common is said once. */
const distinct = (issues: readonly OperationOutcomeIssue[]): OperationOutcomeIssue[] => [
  ...new Map(issues.map((issue) => [issue.details?.text, issue])).values(),
]
