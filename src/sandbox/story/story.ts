import type { DocumentReference } from 'fhir/r4.js'
import { dataClassOf } from '../../domain/consent/data-classes.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { isRecordType } from '../../domain/records/compartment-members.ts'
import { DEFAULT_RULES } from '../../domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../../domain/records/labels/label-resource.ts'
import { deviceOf } from '../enrol-samples.ts'
import { createHisClient } from '../his-client.ts'
import { NotYet, patiently } from '../patiently.ts'
import { sampleBundles } from '../samples/index.ts'
import type { SandboxFile } from '../sandbox-file.ts'
import { bodySteps } from './body-steps.ts'
import { councilSteps } from './council-steps.ts'
import { requestSteps } from './request-steps.ts'
import { listUntil, refused, type Step } from './step.ts'

export type StepResult = { name: string; ok: boolean; ms: number; detail: string }

type Hospital = SandboxFile['hospitals'][number]

const CLASSES = [
  'problems',
  'allergies',
  'medications',
  'immunizations',
  'observations',
  'procedures',
  'encounters',
  'care-plans',
]

/**
 * The main job, told on real records: registered, refused, granted, listed, opened, withheld, wrong purpose, revoked,
 * refused, all but one record, asked for and approved, locked and unlocked, audited; then a group and the council. It ends where it began, so
 * it can be told again.
 */
export function createStory(file: SandboxFile): Step[] {
  const { custodian, grantee, person } = cast(file)
  const device = deviceOf(file, custodian, person)
  const his = createHisClient({
    broker: grantee.broker,
    client: grantee.his,
    organization: grantee.identifier,
    user: { id: 'physician-7', name: 'Dr. Seven', role: 'physician' },
  })
  const custodianHis = createHisClient({
    broker: custodian.broker,
    client: custodian.his,
    organization: custodian.identifier,
    user: { id: 'officer-1', name: 'Officer One', role: 'privacy officer' },
  })
  const to = { granteeType: 'Organization' as const, grantee: identifierText(grantee.identifier) }
  const expected = recordsOf(custodian.key, person)
  // Block times are whole seconds.
  const since = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString()
  let opened: DocumentReference | undefined

  return [
    {
      name: 'records-registered',
      title:
        'Records are registered: sealed pointers and commitments on the chain, the records stay where they are',
      async run() {
        const counts = await Promise.all(
          file.hospitals.map(async (h) => `${h.name}: ${await registeredAt(h)}`),
        )
        return `${counts.join('; ')}. ${person.name} has ${expected.all} records at ${custodian.name}, ${expected.sensitive} of them sensitive.`
      },
    },
    {
      name: 'nothing-without-consent',
      title: `${grantee.name} asks for this patient's records elsewhere and gets nothing`,
      async run() {
        // A story that was broken off may have left its consent standing.
        const before = await patiently(() => device.consents())
        const standing = before.consents.some((c) => c.scope.grantee === to.grantee && c.state === 'permit')
        if (standing) await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
        if (before.locked) await patiently(() => device.unlock())
        const found = await listUntil(his, person, 0)
        return `${grantee.broker}/fhir/DocumentReference/_search answers with ${found.total} records, as for a patient whom nobody knows.`
      },
    },
    {
      name: 'grant',
      title: `The patient grants ${grantee.name} ordinary records of ${custodian.name} for treatment`,
      async run() {
        await patiently(() => device.grant({ to, purpose: 'TREAT', classes: CLASSES }))
        const state = await patiently(async () => {
          const { consents } = await device.consents()
          const consent = consents.find((c) => c.scope.grantee === to.grantee && c.scope.purpose === 'TREAT')
          if (consent?.state !== 'permit') throw new NotYet('the grant is not mined yet')
          return consent
        })
        return `Signed on the patient's device, in force as version ${state.version} from ${state.from} until ${state.until}; the chain holds salted hashes only.`
      },
    },
    {
      name: 'list-and-open',
      title: `${grantee.name}'s HIS lists the records and opens one, verified against the chain`,
      async run() {
        const listed = await listUntil(his, person, expected.ordinary)
        opened =
          listed.entry?.find((e) => e.resource?.type?.coding?.[0]?.code === 'Condition')?.resource ??
          listed.entry?.[0]?.resource
        if (!opened?.id) throw new Error('nothing to open')
        const id = opened.id
        const answer = await patiently(async () => {
          const got = await his.open(id, 'TREAT')
          if (got.status >= 500) throw new NotYet(`source-unavailable ${got.status}`)
          return got
        })
        if (answer.status !== 200) throw new Error(`opening answered ${answer.status} ${answer.code ?? ''}`)
        return `${listed.total} records listed; ${answer.body.resourceType}/${answer.body.id} opened, its commitment and both signatures verified. ${opened.content[0]?.attachment.url}`
      },
    },
    {
      name: 'sensitive-unseen',
      title: 'Sensitive records stay unseen and uncounted',
      async run() {
        const listed = await listUntil(his, person, expected.ordinary)
        const labelled = (listed.entry ?? []).filter((e) => e.resource?.securityLabel)
        if (labelled.length > 0) throw new Error(`${labelled.length} sensitive records are listed`)
        return `${expected.sensitive} sensitive records and ${expected.otherClasses} of classes not granted are neither listed nor counted: the total says ${listed.total}.`
      },
    },
    {
      name: 'wrong-purpose',
      title: 'The same record for research is refused',
      async run() {
        await refused(his, opened?.id, 'HRESCH')
        return `Purpose HRESCH is not covered by TREAT: not-available, as for a record that does not exist.`
      },
    },
    {
      name: 'revoke',
      title: 'The patient stops sharing',
      async run() {
        const sent = await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
        return `Received by ${custodian.name}, and counts ${sent.receipt?.counts ?? 'now'}; the chain follows.`
      },
    },
    {
      name: 'refused-at-once',
      title: `${grantee.name} is refused at once`,
      async run() {
        const started = performance.now()
        await refused(his, opened?.id, 'TREAT')
        const ms = Math.round(performance.now() - started)
        await listUntil(his, person, 0)
        return `Refused ${ms} ms after asking, and listed no more.`
      },
    },
    ...bodySteps({
      ...{ custodian, grantee, device, custodianHis },
      patient: `Patient/${expected.patientId}`,
      record: expected.example,
      ordinary: expected.everyOrdinary,
      listUntil: (total) => listUntil(his, person, total),
    }),
    ...requestSteps({
      ...{ custodian, grantee, person, device, his },
      custodianHis,
      countOf: (classes) => recordsOf(custodian.key, person, classes).ordinary,
      listUntil: (total) => listUntil(his, person, total),
      refused: (id) => refused(his, id, 'TREAT'),
    }),
    {
      name: 'audit-trail',
      title: 'The audit trail of all this, at both hospitals and for the patient',
      run: () => auditTrail(file, custodian, grantee, device, since),
    },
    ...councilSteps({ file, custodian, grantee, his, person, classes: CLASSES, ordinary: expected.ordinary }),
  ]
}

/** Runs the steps in order and stops at the first that does not hold. */
export async function playStory(steps: readonly Step[], tell: (line: string) => void): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const { name, title, run } of steps) {
    const started = performance.now()
    let result: StepResult
    try {
      const detail = await run()
      result = { name, ok: true, ms: Math.round(performance.now() - started), detail }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      result = { name, ok: false, ms: Math.round(performance.now() - started), detail }
    }
    results.push(result)
    tell(
      `${result.ok ? '✔' : '✘'} ${title} (${result.ms} ms)\n    ${result.detail.replaceAll('\n', '\n    ')}`,
    )
    if (!result.ok) break
  }
  return results
}

/** Hospital 1 and 2, and the first sample person whom both know. */
function cast(file: SandboxFile) {
  const [custodian, grantee] = file.hospitals
  const person = file.patients.find((p) =>
    [custodian, grantee].every((h) => p.at.some(({ hospital }) => hospital === h?.key)),
  )
  if (!custodian || !grantee || !person)
    throw new Error('The story needs two hospitals and a patient whom both know')
  return { custodian, grantee, person }
}

/** What the custodian's rules make of this person's sample records: the story's own yardstick. */
function recordsOf(
  hospitalKey: string,
  person: SandboxFile['patients'][number],
  classes: readonly string[] = CLASSES,
) {
  const rules = compileRules(DEFAULT_RULES)
  const patientId = person.at.find(({ hospital }) => hospital === hospitalKey)?.patientId
  const records = sampleBundles(hospitalKey)
    .filter((bundle) =>
      bundle.entry?.some((e) => e.resource?.resourceType === 'Patient' && e.resource.id === patientId),
    )
    .flatMap((bundle) =>
      (bundle.entry ?? []).flatMap((e) =>
        e.resource && isRecordType(e.resource.resourceType) ? [e.resource] : [],
      ),
    )
  const sensitive = records.filter((r) => labelResource(r, rules).kinds.length > 0)
  const ordinary = records.filter((r) => labelResource(r, rules).kinds.length === 0)
  const granted = ordinary.filter((r) => classes.includes(dataClassOf(r)))
  const [first] = granted
  return {
    patientId,
    /** One of them, `Type/id`. */
    example: `${first?.resourceType}/${first?.id}`,
    everyOrdinary: ordinary.length,
    all: records.length,
    sensitive: sensitive.length,
    ordinary: granted.length,
    otherClasses: ordinary.length - granted.length,
  }
}

async function registeredAt({ broker }: Hospital): Promise<number> {
  return patiently(async () => {
    const state = (await (await fetch(`${broker}/ready`)).json()) as { registered: number }
    return state.registered
  })
}

async function auditTrail(
  file: SandboxFile,
  custodian: Hospital,
  grantee: Hospital,
  device: ReturnType<typeof deviceOf>,
  since: string,
): Promise<string> {
  const kindsAt = async (hospital: Hospital, wanted: string[]) =>
    patiently(async () => {
      const auditor = createHisClient({
        broker: hospital.broker,
        client: hospital.auditor,
        organization: hospital.identifier,
      })
      const { body, status } = await auditor.audit({ _count: '200', date: `ge${since}` })
      const kinds = (body.entry ?? []).map((e) => e.resource?.meta?.tag?.[0]?.code ?? '')
      const missing = wanted.filter((kind) => !kinds.includes(kind))
      if (status !== 200 || missing.length > 0)
        throw new NotYet(`${hospital.name} does not show: ${missing.join(', ')} (${status})`)
      return kinds.length
    })
  const atCustodian = await kindsAt(custodian, [
    'consent-granted',
    'intent',
    'disclosure',
    'refusal',
    'consent-revoked',
  ])
  const atGrantee = await kindsAt(grantee, ['query', 'share-received', 'receipt', 'refusal'])
  const third = file.hospitals.find(({ key }) => key !== custodian.key && key !== grantee.key)
  const anchors = third ? await kindsAt(third, ['anchor']) : 0
  const history = await patiently(async () => {
    const lines = (await device.history(200)).filter(({ recorded }) => recorded >= since)
    const missing = ['consent-granted', 'disclosure', 'refusal', 'consent-revoked'].filter(
      (kind) => !lines.some((l) => l.kind === kind),
    )
    if (missing.length > 0) throw new NotYet(`the patient does not see: ${missing.join(', ')}`)
    return lines
  })
  const told = history
    .filter(({ kind }) => ['consent-granted', 'disclosure', 'refusal', 'consent-revoked'].includes(kind))
    .slice(0, 5)
    .map(({ recorded, sentence }) => `${recorded}  ${sentence}`)
  return [
    `${custodian.name}: ${custodian.broker}/fhir/AuditEvent, ${atCustodian} events; ${grantee.name}: ${grantee.broker}/fhir/AuditEvent, ${atGrantee}; ${third?.name ?? ''}, no party to it: ${anchors}, bare anchors of the chain.`,
    'The patient reads:',
    ...told.reverse(),
  ].join('\n')
}
