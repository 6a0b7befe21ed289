import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { JsonRpcProvider } from 'ethers'
import { AccessLog__factory } from '../chain/contracts.ts'
import { describeAuditEntry } from '../domain/audit/describe-audit-entry.ts'
import type { CanonicalRow } from '../domain/evidence/canonical-row.ts'
import { leadsToRoot, readWindowProof, type WindowProof } from '../domain/evidence/window-proof.ts'
import { createHisClient } from '../sandbox/his-client.ts'
import { readSandboxFile } from '../sandbox/sandbox-file.ts'
import { type Output, PROCESS, told } from './chain-index/output.ts'

type Source = { dump?: string; rpc?: string; accessLog?: string }

/** `wayleave proof`: that one entry of a member's log was anchored, shown without any other entry. */
export function proofCommand(output: Output = PROCESS): Command {
  return new Command('proof')
    .description('Prove one entry of an audit trail by its anchor on the chain, and check such a proof')
    .addCommand(
      new Command('get')
        .description(
          'Ask a hospital’s broker for the proof of one entry; that is itself an event of the trail',
        )
        .argument('<id>', 'the id of its AuditEvent')
        .requiredOption('--hospital <key>', 'hospital-1, hospital-2 or hospital-3')
        .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')
        .action((id: string, options: { hospital: string; sandbox: string }) =>
          told(output, () => getProof(id, options, output)),
        ),
    )
    .addCommand(
      new Command('check')
        .description('Check a proof, without the hospital')
        .argument('<file>', 'the proof')
        .option('--dump <file>', 'offline: what `index dump` printed, at any member')
        .option('--rpc <url>', 'or ask a node')
        .option('--access-log <address>', 'the contract to ask there')
        .addHelpText(
          'after',
          '\nExit code: 0 where it holds, 1 where it does not, 2 where it could not be told.',
        )
        .action((file: string, source: Source) => told(output, () => checkProof(file, source, output))),
    )
}

async function getProof(
  id: string,
  options: { hospital: string; sandbox: string },
  output: Output,
): Promise<number> {
  const hospital = readSandboxFile(options.sandbox).hospitals.find(({ key }) => key === options.hospital)
  if (!hospital) throw new Error(`No hospital ${options.hospital}`)
  const { broker, auditor, identifier } = hospital
  const client = createHisClient({ broker, client: auditor, organization: identifier })
  const { status, body, code } = await client.fhir('GET', `../audit/proofs/${encodeURIComponent(id)}`)
  if (status !== 200) throw new Error(`The broker answered ${status} ${code ?? ''}`)
  output.out(`${JSON.stringify(body, null, 2)}\n`)
  return 0
}

async function checkProof(file: string, source: Source, output: Output): Promise<number> {
  const proof = readWindowProof(readFileSync(file, 'utf8'))
  if (!leadsToRoot(proof)) {
    output.out(
      'Entry, salt and path do not lead to the root: the entry was altered, or is of another window.\n',
    )
    return 1
  }
  const anchored = await anchoredRoot(proof, source)
  const window = `window ${proof.window} of ${proof.member}`
  if (anchored !== proof.root) {
    output.out(anchored ? `On the chain ${window} has another root.\n` : `The chain has no ${window}.\n`)
    return 1
  }
  output.out(`It holds: this entry lies in ${window}, as the chain has it.\n`)
  output.out(`${proof.entry.recorded}  ${describeAuditEntry(proof.entry)}\n`)
  return 0
}

/** The root that the chain has for the proof's window. */
async function anchoredRoot(proof: WindowProof, source: Source): Promise<string | undefined> {
  if (source.dump !== undefined) return rootInDump(proof, source.dump)
  if (source.rpc === undefined || source.accessLog === undefined)
    throw new Error('Give --dump, or --rpc and --access-log: a proof alone does not say what the chain has')
  const provider = new JsonRpcProvider(source.rpc, proof.chainId, { staticNetwork: true })
  try {
    if (Number(await provider.send('eth_chainId', [])) !== proof.chainId)
      throw new Error('The node is of another chain')
    const root = await AccessLog__factory.connect(source.accessLog, provider).rootOf(
      proof.member,
      proof.window,
    )
    return /^0x0+$/.test(root) ? undefined : root
  } finally {
    provider.destroy()
  }
}

async function rootInDump(
  { chainId, member, window }: WindowProof,
  file: string,
): Promise<string | undefined> {
  let first = true
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    const row = JSON.parse(line) as CanonicalRow & { chainId?: number }
    if (first && row.chainId !== chainId) throw new Error('The dump is of another chain, or is none')
    first = false
    const { event, args } = row
    if (event === 'WindowAnchored' && args.member === member && args.number === String(window))
      return String(args.root)
  }
  return undefined
}
