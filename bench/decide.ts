/**
 * `npm run bench:decide`: how many requests a second one core decides for a patient with 20 consents, and how many
 * resources a second it judges. Each request is read anew from its JSON form; consents are compiled once. Prints the
 * figures, and ends with 1 where an aim is missed.
 */
import type { Consent, ConsentProvision } from 'fhir/r4.js'
import { compileConsents, decideConsents } from '../src/domain/consent/fhir/decide-consents.ts'
import { readConsentRequest } from '../src/domain/consent/fhir/request.ts'

const CONSENTS = 20
const SECONDS = 3
const AIMS = { decisions: 50_000, resources: 20_000 }

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

/** How often a second of processor time `work` runs, each run counting for `each`: the machine may do other things. */
function rate(each: number, work: (run: number) => void): number {
  const start = process.cpuUsage()
  let runs = 0
  let used = 0
  while (used < SECONDS * 1e6) {
    for (let i = 0; i < 100; i++) work(runs++)
    const { user, system } = process.cpuUsage(start)
    used = user + system
  }
  return Math.round((runs * each * 1e6) / used)
}

const compiled = compileConsents(consents)
const decide = (run: number, of: typeof resources = []) =>
  decideConsents(compiled, readConsentRequest(requests[run % requests.length]), of)

for (let run = 0; run < 20_000; run++) decide(run)
const rates = {
  decisions: rate(1, (run) => decide(run)),
  resources: rate(resources.length, (run) => decide(run, resources)),
}
const outcomes = Map.groupBy(requests, (_, run) => decide(run).decision)
const spread = [...outcomes].map(([decision, some]) => `${some.length} ${decision}`).join(', ')

const line = (name: string, is: number, aim: number) =>
  `${name.padEnd(52)} ${is.toLocaleString('en').padStart(10)} a second (aim ${aim.toLocaleString('en')})\n`
process.stdout.write(
  line(`requests decided, ${CONSENTS} consents of one patient`, rates.decisions, AIMS.decisions) +
    line('resources judged', rates.resources, AIMS.resources) +
    `of ${requests.length} kinds of request: ${spread}; Node ${process.version}, one core\n`,
)
process.exitCode = rates.decisions < AIMS.decisions || rates.resources < AIMS.resources ? 1 : 0
