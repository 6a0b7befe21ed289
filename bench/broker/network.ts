import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { deviceOf } from '../../src/sandbox/enrol-samples.ts'
import type { FhirKind } from '../../src/sandbox/fhir-kind.ts'
import { createHisClient } from '../../src/sandbox/his-client.ts'
import { NotYet, patiently } from '../../src/sandbox/patiently.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import type { Read } from './load.ts'

/** What a broker takes from one address: here one address is a whole hospital's traffic. */
const REQUESTS_PER_MINUTE = 1_000_000

/** How often a token is asked for; it lasts 300 s. Milliseconds. */
const TOKEN_EVERY = 60_000

/** Connections that the reader keeps open. */
const CONNECTIONS = 32

const CLASSES = [
  ...['problems', 'allergies', 'medications', 'immunizations'],
  ...['observations', 'procedures', 'encounters', 'care-plans'],
]

/** The whole network in miniature, and the same records to be read in two ways. */
export type BenchNetwork = {
  records: number
  /** A version at the custodian's FHIR server, without any broker. */
  direct: Read
  /** The same through both brokers: consent verified on the chain, the record verified against it, both sides logged. */
  through: Read
  /** Process ids by what they are. */
  processes: Record<string, number>
  close(): Promise<void>
}

/** Starts a sandbox of its own, in which one patient opens ordinary records to another hospital. */
export async function openNetwork(fhir: FhirKind, tell: (line: string) => void): Promise<BenchNetwork> {
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-bench-'))
  const sandbox = await startSandbox({
    ...{ dir, fresh: false, fhir, startedAt: Date.now(), tell },
    cli: join(import.meta.dirname, '../../src/cli/main.ts'),
    requestsPerMinute: REQUESTS_PER_MINUTE,
  })
  const agent = new Agent({ connections: CONNECTIONS })
  let renewing: NodeJS.Timeout | undefined
  async function close(): Promise<void> {
    clearInterval(renewing)
    await agent.close()
    await sandbox.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const { file, pids } = sandbox
    const [custodian, requester] = file.hospitals
    const person = file.patients.find(({ at }) => at.length === 1 && at[0]?.hospital === custodian?.key)
    if (!custodian || !requester || !person) throw new Error('The samples lack what this needs')
    const grantee = { granteeType: 'Organization' as const, grantee: identifierText(requester.identifier) }
    await deviceOf(file, custodian, person).grant({ to: grantee, purpose: 'TREAT', classes: CLASSES })
    const user = { id: 'physician-7', name: 'Dr. Seven', role: 'physician' }
    const his = createHisClient({
      ...{ broker: requester.broker, client: requester.his, organization: requester.identifier, user },
    })
    let before = 0
    const ids = await patiently(async () => {
      const { body } = await his.list(person.nationalId, 'TREAT')
      const listed = (body.entry ?? []).map(({ resource }) => resource?.id ?? '')
      if (listed.length === 0 || listed.length !== before) {
        before = listed.length
        throw new NotYet('the list still grows')
      }
      return listed
    }, 60_000)
    const versions: string[] = []
    for (const id of ids) {
      const { status, body } = await his.open(id, 'TREAT')
      if (status !== 200) throw new Error(`A record answered ${status}`)
      const { meta } = body as { meta?: { versionId?: string } }
      versions.push(`${custodian.fhir}/${body.resourceType}/${body.id}/_history/${meta?.versionId}`)
    }
    let token = await his.token('TREAT')
    renewing = setInterval(() => {
      void his.token('TREAT').then((renewed) => {
        token = renewed
      })
    }, TOKEN_EVERY)

    async function get(url: string, headers: Record<string, string>): Promise<void> {
      const answer = await request(url, { dispatcher: agent, headers })
      const bytes = await answer.body.arrayBuffer()
      if (answer.statusCode !== 200 || bytes.byteLength === 0)
        throw new Error(`${url} answered ${answer.statusCode}`)
    }
    const nth = (list: readonly string[], index: number) => list[index % list.length] ?? ''
    return {
      records: ids.length,
      direct: (index) => get(nth(versions, index), {}),
      through: (index) =>
        get(`${requester.broker}/fhir/Binary/${nth(ids, index)}`, { authorization: `Bearer ${token}` }),
      processes: {
        custodian: custodian.pid,
        requester: requester.pid,
        chain: pids.chain,
        ...(pids.fhir === undefined ? {} : { fhir: pids.fhir }),
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
