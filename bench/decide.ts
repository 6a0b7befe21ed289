/**
 * `npm run bench:decide`: how many requests a second one core decides for a patient with 20 consents, how many resources
 * a second it judges, and how many of a server's answer it filters. Each request is read anew from its JSON form; consents
 * and labelling rules are compiled once. Prints the figures, and ends with 1 where an aim is missed.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Consent, ConsentProvision } from 'fhir/r4.js'
import {
  compileConsents,
  decideConsents,
  judgeByConsents,
} from '../src/domain/consent/fhir/decide-consents.ts'
import { readConsentRequest } from '../src/domain/consent/fhir/request.ts'
import { filterAnswer } from '../src/domain/consent/filtering/filter-answer.ts'
import { readAnswer } from '../src/domain/consent/filtering/read-answer.ts'
import { verdictByConsents } from '../src/domain/consent/filtering/verdict-by-consents.ts'
import { DEFAULT_RULES } from '../src/domain/records/labels/default-rules.ts'
import { compileRules, labelResource } from '../src/domain/records/labels/label-resource.ts'

const CONSENTS = 20
const SECONDS = 3
const AIMS = { decisions: 50_000, resources: 20_000, filtered: 20_000 }

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem'
const coding = (system: string, code: string) => ({ system: `${TERMINOLOGY}/${system}`, code })
const label = (code: string) => coding(/^[NRV]$/.test(code) ? 'v3-Confidentiality' : 'v3-ActCode', code)
const purpose = (code: string) => coding('v3-ActReason', code)
const role = { coding: [coding('v3-ParticipationType', 'IRCP')] }
const to = (reference: string) => [{ role, reference: { reference } }]

/** What people write: a permit for a party with exceptions, an objection for a group, research for a period. */
function provisionOf(index: number): ConsentProvision {
  const party = `Organization/${index % 7}`
  const sensitive = ['HIV', 'PSY', 'ETH', 'SDV'][index % 4] ?? 'HIV'
  switch (index % 4) {
    case 0:
      return {
        type: 'permit',
        actor: to(party),
        purpose: [purpose('TREAT')],
        provision: [{ type: 'deny', securityLabel: [label(sensitive)] }],
      }
    case 1:
      return { type: 'deny', actor: to(`Group/${index % 3}`), securityLabel: [label('R')] }
    case 2:
      return {
        type: 'permit',
        period: { start: '2024-01-01', end: '2026-12-31' },
        purpose: [purpose('HRESCH')],
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
      }
    default:
      return {
        type: 'permit',
        actor: to(party),
        securityLabel: [label('N')],
        dataPeriod: { start: '2020-01-01' },
      }
  }
}

const consents = Array.from({ length: CONSENTS }, (_, index) => ({
  resourceType: 'Consent',
  id: `c${index}`,
  status: 'active',
  patient: { reference: 'Patient/p' },
  provision: provisionOf(index),
})) as Consent[]

const requests = Array.from({ length: 50 }, (_, index) => ({
  at: '2025-06-01T12:00:00Z',
  patient: { reference: 'Patient/p' },
  recipient: { reference: `Organization/${index % 8}`, groups: [{ reference: `Group/${index % 4}` }] },
  purposeOfUse: [purpose(['TREAT', 'ETREAT', 'HRESCH', 'HPAYMT'][index % 4] ?? 'TREAT')],
}))

const resources = Array.from({ length: 200 }, (_, index) => ({
  resourceType: ['Observation', 'Condition', 'MedicationRequest', 'Procedure'][index % 4],
  id: `r${index}`,
  meta: { security: [[label('R')], [label('N'), label('HIV')], [], [label('PSY')]][index % 4] },
  code: { coding: [{ system: 'http://loinc.org', code: `${index}-0` }] },
  subject: { reference: 'Patient/p' },
  effectiveDateTime: `20${10 + (index % 15)}-05-01`,
}))

/** How often a second of processor time `work` counts what it has done: the machine may do other things. */
function rate(work: (run: number) => number, atOnce = 100): number {
  const start = process.cpuUsage()
  let runs = 0
  let done = 0
  let used = 0
  while (used < SECONDS * 1e6) {
    for (let i = 0; i < atOnce; i++) done += work(runs++)
    const { user, system } = process.cpuUsage(start)
    used = user + system
  }
  return Math.round((done * 1e6) / used)
}

/** The whole record of each sample patient, as a server would answer it. */
const answers = globSync('fhir/samples/patients/*.json', { cwd: join(import.meta.dirname, '..') })
  .sort()
  .map((file) => {
    const bytes = readFileSync(join(import.meta.dirname, '..', file))
    const bundle = readAnswer(bytes) as { entry: { resource: { resourceType: string; id: string } }[] }
    const patient = bundle.entry.find(({ resource }) => resource.resourceType === 'Patient')?.resource.id
    return { bytes, bundle, patient: { reference: `Patient/${patient}`, identifiers: [] } }
  })

const compiled = compileConsents(consents)
const decide = (run: number, of: typeof resources = []) =>
  decideConsents(compiled, readConsentRequest(requests[run % requests.length]), of)

const rules = compileRules(DEFAULT_RULES)
/** Labels, Patient compartment, contained resources, verdict, references, and the Bundle built anew. */
function filter(run: number, isRead = true): { resources: number; released: number } {
  const { bytes, bundle, patient } = answers[run % answers.length] ?? raise('no sample patients')
  const request = readConsentRequest(requests[0])
  const { released } = filterAnswer(isRead ? bundle : readAnswer(bytes), {
    patient,
    tellsRedactions: false,
    label: (resource) => labelResource(resource, rules),
    verdict: verdictByConsents(judgeByConsents(compiled, request)),
  })
  return { resources: bundle.entry.length, released }
}

function raise(message: string): never {
  throw new Error(message)
}

for (let run = 0; run < 20_000; run++) decide(run)
for (let run = 0; run < 3 * answers.length; run++) filter(run)
const rates = {
  decisions: rate((run) => {
    decide(run)
    return 1
  }),
  resources: rate((run) => decide(run, resources).resources.length),
  filtered: rate((run) => filter(run).resources, answers.length),
  read: rate((run) => filter(run, false).resources, answers.length),
}
const all = answers.map((_, run) => filter(run))
const sum = (name: 'resources' | 'released') => all.reduce((total, one) => total + one[name], 0)
const outcomes = Map.groupBy(requests, (_, run) => decide(run).decision)
const spread = [...outcomes].map(([decision, some]) => `${some.length} ${decision}`).join(', ')

const line = (name: string, is: number, aim?: number) =>
  `${name.padEnd(52)} ${is.toLocaleString('en').padStart(10)} a second${aim ? ` (aim ${aim.toLocaleString('en')})` : ''}\n`
process.stdout.write(
  line(`requests decided, ${CONSENTS} consents of one patient`, rates.decisions, AIMS.decisions) +
    line('resources judged', rates.resources, AIMS.resources) +
    line('resources filtered', rates.filtered, AIMS.filtered) +
    line('resources read from bytes and filtered', rates.read) +
    `of ${requests.length} kinds of request: ${spread}\n` +
    `of ${sum('resources')} sample resources ${sum('released')} are released; Node ${process.version}, one core\n`,
)
process.exitCode =
  rates.decisions < AIMS.decisions || rates.resources < AIMS.resources || rates.filtered < AIMS.filtered
    ? 1
    : 0
