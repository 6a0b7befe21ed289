import type { Bundle, FhirResource } from 'fhir/r4.js'
import { exportJWK, generateKeyPair } from 'jose'
import { AUDIT_KINDS, type AuditKind } from '../../src/domain/audit/audit-entry.ts'
import { dateOfDay, dayOf } from '../../src/domain/days.ts'
import { requestTask } from '../../src/fhir/request-task.ts'
import { createHisClient } from '../../src/sandbox/his-client.ts'
import { submission } from '../broker/publish/submissions.ts'
import { admit, EVERYONE, groupOf, partyOf, passDays, submit } from '../support/acts.ts'
import { officeOf } from '../support/office.ts'
import { patient, somebody } from '../support/samples.ts'
import { createWorld, eventually, type TestHospital } from '../support/world.ts'

/** A FHIR resource that a broker said, and what it was said about. */
export type Emitted = { about: string; resource: FhirResource }

/** Nothing that is done here brings this about: acts that only the contracts know yet, and what comes after years. */
export const NEVER_EMITTED: readonly AuditKind[] = [
  'representative-changed',
  'recovery',
  'emergency-access',
  'trail-expired',
]

/**
 * Everything in FHIR that the brokers of a running network say while patients consent, object, lock, are asked and
 * answer, and while records are listed, opened, refused and found altered: each resource type, each kind of audit event.
 */
export async function emittedByBrokers(): Promise<Emitted[]> {
  const world = await createWorld({ hospitals: 3, groups: ['gp'], fronts: { fhir: ['a'] } })
  try {
    const [a, b, c] = world.hospitals as [TestHospital, TestHospital, TestHospital]
    const said: Emitted[] = []
    const note = (about: string, resource: unknown) =>
      said.push({ about, resource: resource as FhirResource })
    const noteAll = (about: string, bundle: unknown) => {
      for (const { resource } of (bundle as Bundle).entry ?? []) if (resource) note(about, resource)
      note(`${about}, the Bundle`, bundle)
    }
    note('what it says of itself', await (await fetch(`${a.broker.base}/fhir/metadata`)).json())

    const ANNA = await admit(a, 'anna', 0)
    await a.settled()
    const anna = await world.enrol(a, ANNA)
    const slot = { to: partyOf(b), purpose: 'TREAT' }
    const grant = { ...slot, classes: ['problems', 'observations'] }
    const listed = async () => (await b.his.list(ANNA, 'TREAT')).body

    // Consents: of one, a group, everyone; with sensitive kinds; objections; each state.
    await anna.grant({ ...grant, sensitivities: ['HIV'] })
    await eventually(async () => (await listed()).total === 3)
    noteAll('records that are shared', await listed())
    const record = (await listed()).entry?.[0]?.resource?.id ?? ''
    await anna.grant({ to: groupOf('gp'), purpose: 'HRESCH', classes: ['medications'] })
    await anna.object({ to: EVERYONE, purpose: 'HMARKT' })
    // One for a single record, which the patient signs word for word; one that she leaves unsigned.
    const one = { data: [{ meaning: 'instance', reference: { reference: 'Condition/anna-c1' } }] }
    await a.his.fhir('POST', 'Consent', filedConsent(c, one))
    for (const proposal of await anna.proposals()) await anna.accept(proposal)
    await a.his.fhir('POST', 'Consent', filedConsent(b, { class: [PROBLEMS], securityLabel: [NORMAL] }))
    await eventually(async () => (await consents()).filter(({ status }) => status === 'active').length === 4)
    async function consents() {
      const { body } = await a.his.fhir<Bundle>('GET', 'Consent?patient=Patient/anna')
      return (body.entry ?? []).map(({ resource }) => resource as FhirResource & { status: string })
    }

    // Lists by the custodian, since that one consent opens no whole class.
    await eventually(async () => (await c.his.list(ANNA, 'HPAYMT')).body.total === 1)
    noteAll('a record listed by its custodian', (await c.his.list(ANNA, 'HPAYMT')).body)

    // What looks wrong to her, answered and taken back.
    const matter = await anna.openCase({ text: 'I was never there.' })
    await a.auditor.post(`/cases/${matter.id}/answer`, { text: 'We look into it.' })
    await a.auditor.manage('GET', '/cases')
    await anna.withdrawCase(matter)

    // Records opened, refused, and found altered at the source.
    await b.his.open(record, 'TREAT')
    note('a refusal', (await b.his.open(record, 'HRESCH')).body)
    if (a.fhirFront)
      a.fhirFront.behave = async ({ path }, forward) =>
        /_history\/\d/.test(path) ? { status: 200, headers: {}, body: '{"other":"record"}' } : forward()
    await b.his.open(record, 'TREAT')
    if (a.fhirFront) a.fhirFront.behave = undefined

    // Why, and what would be.
    const about = [{ name: 'patient', valueReference: { reference: 'Patient/anna' } }]
    const asked = [
      { name: 'recipient', valueIdentifier: b.config.identifier },
      {
        name: 'purpose',
        valueCoding: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' },
      },
      { name: 'class', valueCode: 'problems' },
    ]
    const parameters = (parameter: object[]) => ({ resourceType: 'Parameters', parameter })
    const operation = async (name: string, given: object[]) =>
      (await a.his.fhir('POST', `Consent/${name}`, parameters(given))).body
    note('$explain', await operation('$explain', [...about, ...asked]))
    note('$preview', await operation('$preview', [...about, { name: 'class', valueCode: 'problems' }]))

    // Requests for access: one answered and approved, one rejected.
    const today = dayOf(a.clock.now())
    const wish = requestTask({
      patient: ANNA,
      custodian: a.config.identifier,
      dataClasses: ['problems'],
      sensitivities: ['HIV'],
      from: dateOfDay(today),
      until: dateOfDay(today + 90),
      reason: 'For the operation on Monday',
      answerUntil: dateOfDay(today + 3),
      patientNamedCustodian: true,
    })
    const ask = async () => {
      const id = String((await b.his.ask(wish, 'ETREAT')).body.id)
      await eventually(async () => (await anna.requests()).some((request) => request.id === `0x${id}`))
      return id
    }
    const first = await ask()
    note('a request, at the asking hospital', (await b.his.task(first)).body)
    noteAll('requests, at the custodian', (await a.his.tasks()).body)
    const request = (await anna.requests()).find(({ id }) => id === `0x${first}`)
    if (!request) throw new Error('the request went')
    await anna.answer(request)
    const waiting = (await a.his.tasks()).body
    noteAll('grants that wait, at the custodian', waiting)
    await a.his.decide(waiting.entry?.[0]?.resource?.id ?? '', '$approve')
    await a.his.decide(await ask(), '$reject')
    await anna.grant({ ...grant, purpose: 'HPAYMT', flags: { needsApproval: true } })
    const [refused] = (await a.his.tasks()).body.entry ?? []
    await a.his.decide(refused?.resource?.id ?? '', '$reject')

    // What narrows, and comes back.
    await anna.lock()
    await anna.unlock()
    const { signed: revocation } = await anna.revoke(slot)
    await eventually(async () => (await listed()).total === 0)
    await anna.grant(grant)
    await eventually(async () => (await listed()).total === 2)
    // Too old to change anything, and on the chain all the same.
    await submit(world, revocation)
    await anna.object({ to: partyOf(c), purpose: 'TREAT' })
    await anna.withdraw({ to: partyOf(c), purpose: 'TREAT' })
    await world.council.suspend(c.member)

    const idOf = (code: string) => async () =>
      (await consents()).find(({ meta }) => meta?.tag?.some((tag) => tag.code === code))?.id
    const standing = await eventually(idOf('in-force'))
    await a.his.fhir('POST', `Consent/${standing}/$revokeConsent`, { resourceType: 'Parameters' })
    await eventually(idOf('end-filed'))
    noteAll('consents of every state', (await a.his.fhir('GET', 'Consent?patient=Patient/anna')).body)
    for (const [path, body] of [
      ['Consent', { resourceType: 'Consent' }],
      ['Nonsense', undefined],
      ['Consent?colour=red', undefined],
    ] as const)
      note(`a wrong ${path}`, (await a.his.fhir(body ? 'POST' : 'GET', path, body)).body)

    // What a HIS pushes, and what is merged; the patient's own record.
    const letter = Buffer.from('A letter.')
    const pushed = submission(1, letter, { reference: 'Patient/anna' })
    note('what becomes of documents that are pushed', (await a.his.fhir('POST', '', pushed)).body)
    note('documents that are pushed twice', (await a.his.fhir('POST', '', pushed)).body)
    note('everything about a patient', (await a.his.fhir('GET', 'Patient/anna/$everything')).body)
    const named = { name: 'identifier', valueIdentifier: ANNA }
    const whom = { resourceType: 'Parameters', parameter: [named] }
    note('everything, merged', (await b.his.fhir('POST', 'Patient/$everything', whom)).body)
    note('a summary', (await a.his.fhir('GET', 'Patient/anna/$summary')).body)
    note('a summary, merged', (await b.his.fhir('POST', 'Patient/$summary', whom)).body)
    // As they were written: what a hospital's own server holds is no word of its broker.
    await anna.record()
    // Who has seen what of her, and what a program asks of her consents.
    await anna.auditEvents()
    await a.his.consult({
      hook: 'patient-consent-consult',
      context: { patientId: [ANNA], actor: [b.config.identifier], purposeOfUse: [{ code: 'TREAT' }] },
    })
    // A legal hold, which two persons lift.
    const officer = (id: string) =>
      createHisClient({
        ...{ broker: a.broker.base, client: a.files.auditor, organization: a.config.identifier },
        user: { id, name: id, role: 'compliance' },
        now: () => a.clock.now(),
      })
    const placed = await officer('eva').manage<{ id: string }>('POST', '/audit/holds', { reason: 'Case 12' })
    for (const id of ['eva', 'tom'])
      await officer(id).manage('POST', `/audit/holds/${placed.body.id}/lifting`, { reason: 'It is closed' })

    // Whose record it is: two persons confirm what happened to one file, and say of the other that it was a mistake.
    const offices = [officeOf(a, 'jan'), officeOf(a, 'piet', 1)] as const
    await admit(a, 'ida', 60)
    const rita = await admit(a, 'rita', 61)
    await a.settled()
    await a.put(patient('ida', somebody(62)))
    await a.put(patient('rita', somebody(63)))
    const eventAbout = (name: string) =>
      eventually(async () =>
        (await offices[0].list('?status=open')).body.events.find(({ persons }) =>
          persons.some(({ reference }) => reference === `Patient/${name}`),
        ),
      )
    const [happened, mistaken] = [await eventAbout('ida'), await eventAbout('rita')]
    for (const office of offices) await office.confirm(happened.id)
    await a.put(patient('rita', rita))
    await eventually(async () => (await offices[0].byId(mistaken.id)).body.changes.length === 2)
    for (const office of offices) await office.reject(mistaken.id)

    // A program that is registered while the broker runs.
    const admin = createHisClient({
      ...{ broker: a.broker.base, client: a.files.admin, organization: a.config.identifier },
      user: { id: 'op-1', name: 'Operator One', role: 'operator' },
      now: () => a.clock.now(),
    })
    const { publicKey } = await generateKeyPair('ES384', { extractable: true })
    await admin.manage('POST', '/auth/clients', {
      ...{ client_name: 'Ward app', scope: 'system/DocumentReference.rs' },
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'ward-1' }] },
    })

    // Somebody finds out whose a handle is.
    const { handle } = await anna.consents()
    const inquiry = { handle, reason: 'misuse-inquiry', note: 'Complaint of the ward' }
    await officer('eva').post('/audit/resolutions', inquiry)
    note(
      'a handle of nobody',
      (await officer('eva').post('/audit/resolutions', { ...inquiry, handle: `0x${'12'.repeat(32)}` })).body,
    )

    // The whole trail, once each kind of event is in it.
    await passDays(world, 4)
    const trail = async () =>
      Promise.all(world.hospitals.map(async (h) => (await h.auditor.audit({ _count: '500' })).body))
    const missing = async () => {
      const kinds = new Set((await trail()).flatMap(({ entry = [] }) => entry.map(kindOf)))
      return AUDIT_KINDS.filter((kind) => !kinds.has(kind) && !NEVER_EMITTED.includes(kind))
    }
    await eventually(async () => (await missing()).length === 0).catch(async () => {
      throw new Error(`no audit event of kind ${(await missing()).join(', ')}`)
    })
    for (const bundle of await trail()) noteAll('the audit trail', bundle)
    return said
  } finally {
    await world.close()
  }
}

const kindOf = ({ resource }: { resource?: FhirResource | undefined }) => resource?.meta?.tag?.[0]?.code

const PROBLEMS = { system: 'https://wayleave.example/fhir/CodeSystem/data-class', code: 'problems' }
const NORMAL = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }
const ROLE = { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }

const filedConsent = (to: TestHospital, provision: object) => ({
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { reference: 'Patient/anna' },
  provision: {
    type: 'permit',
    actor: [{ role: { coding: [ROLE] }, reference: { identifier: to.config.identifier } }],
    purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HPAYMT' }],
    ...provision,
  },
})
