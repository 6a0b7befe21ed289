import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FhirKind } from '../../src/sandbox/fhir-kind.ts'
import { saturated } from './load.ts'
import { openNetwork } from './network.ts'

/** Of one process: what its main thread's CPU time went to while it was read through, in shares of 1. */
export type Profile = { process: string; shares: [what: string, share: number][] }

type CpuProfile = {
  startTime: number
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}
type Node = CpuProfile['nodes'][number]

/** The first that fits names what a function belongs to. */
const GROUPS: readonly [RegExp, string][] = [
  [/^wasm:|@electric-sql\/pglite/, 'database (PGlite)'],
  [/node_modules\/kysely/, 'building SQL (kysely)'],
  [/src\/sandbox\/fhir-server|@medplum/, 'embedded FHIR server'],
  [/node_modules\/jose/, 'signatures (jose)'],
  [/node_modules\/ethers/, 'calls of the chain (ethers)'],
  [/node_modules\/(fastify|@fastify|find-my-way|light-my-request|avvio)/, 'HTTP server (fastify)'],
  [/node_modules\/undici/, 'HTTP client (undici)'],
  [/src\/store\//, 'sealing and opening rows'],
  [/node_modules\/(@noble|canonicalize)|src\/domain\/records/, 'hashing and canonical form'],
  [/src\/(observe|tracing)|node_modules\/(pino|@opentelemetry|prom-client)/, 'logs, metrics, traces'],
  [/\/src\//, 'the broker’s own code'],
]
const REST = 'Node itself, garbage collection and other packages'

const now = () => Number(process.hrtime.bigint() / 1_000n)

/** Reads through two brokers as fast as so many clients can, with both under V8's profiler: slower than without. */
export async function profileReads(
  fhir: FhirKind,
  { clients, seconds }: { clients: number; seconds: number },
  tell: (line: string) => void,
): Promise<Profile[]> {
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-profile-'))
  const before = process.env.NODE_OPTIONS
  // Brokers take the environment of this process; each writes its profile when it ends.
  process.env.NODE_OPTIONS = `${before ?? ''} --cpu-prof --cpu-prof-dir=${dir}`
  try {
    const network = await openNetwork(fhir, tell)
    let window: [number, number]
    try {
      await saturated(network.through, {}, { clients, seconds })
      tell(`${fhir}: ${clients} clients, profiled …`)
      const from = now()
      await saturated(network.through, {}, { clients, seconds })
      window = [from, now()]
    } finally {
      await network.close()
    }
    const files = readdirSync(dir)
    return (['custodian', 'requester'] as const).map((name) => {
      const file = files.find((one) => one.split('.')[3] === String(network.processes[name]))
      if (!file) throw new Error(`The ${name} left no profile`)
      return { process: name, shares: sharesOf(JSON.parse(readFileSync(join(dir, file), 'utf8')), window) }
    })
  } finally {
    if (before === undefined) delete process.env.NODE_OPTIONS
    else process.env.NODE_OPTIONS = before
    rmSync(dir, { recursive: true, force: true })
  }
}

/** @param window from and until, in microseconds of the monotonic clock, which is V8's as well */
function sharesOf(profile: CpuProfile, [from, until]: [number, number]): Profile['shares'] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child): [number, Node] => [child, node])),
  )
  const spent = new Map<string, number>()
  let [total, at] = [0, profile.startTime]
  profile.samples.forEach((id, i) => {
    const took = profile.timeDeltas[i] ?? 0
    at += took
    const node = nodes.get(id)
    if (at < from || at > until || !node || node.callFrame.functionName === '(idle)') return
    const group = groupOf(node, parents)
    spent.set(group, (spent.get(group) ?? 0) + took)
    total += took
  })
  return [...spent].map(([what, took]): [string, number] => [what, took / total]).sort((a, b) => b[1] - a[1])
}

/** What Node does belongs to whoever has it done. */
function groupOf(node: Node | undefined, parents: ReadonlyMap<number, Node>): string {
  for (let one = node; one; one = parents.get(one.id)) {
    const { url, functionName } = one.callFrame
    const place = url.startsWith('wasm') ? `wasm:${functionName}` : url
    const found = GROUPS.find(([pattern]) => pattern.test(place))
    if (found) return found[1]
  }
  return REST
}
