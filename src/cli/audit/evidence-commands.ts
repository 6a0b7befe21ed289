import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { Command } from 'commander'
import { JsonRpcProvider } from 'ethers'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { BrokerConfig } from '../../broker/index.ts'
import { publishedKeys } from '../../chain/published-keys.ts'
import type { ReconciliationReport } from '../../domain/audit/reconcile/findings.ts'
import type { EvidencePlace } from '../../exchange/evidence.ts'
import { readSandboxFile } from '../../sandbox/sandbox-file.ts'
import type { Output } from '../patient/run.ts'
import { answeredBy, type ProgramOptions, programOf } from '../program-of.ts'
import { findingsInWords } from './findings-in-words.ts'
import { memberNames, withPlace } from './reconcile-command.ts'
import { compareFiles } from './verify-evidence.ts'

/** `wayleave audit auditor-key`: a key to which evidence is sealed for whoever is to check it. */
export function auditorKeyCommand(output: Output): Command {
  return new Command('auditor-key')
    .description('Make a key to which hospitals seal evidence, and beside it the FILE.pub that goes to them')
    .requiredOption('--out <file>', 'where to write it; must not exist')
    .action(async ({ out: file }: { out: string }) => {
      const { privateKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true })
      const jwk = await exportJWK(privateKey)
      const { d: _private, ...publicJwk } = jwk
      writeFileSync(file, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' })
      writeFileSync(`${file}.pub`, `${JSON.stringify(publicJwk)}\n`, { flag: 'wx' })
      output.out(`${file} is the auditor’s alone; give ${file}.pub to the hospitals.\n`)
    })
}

type ExportOptions = ProgramOptions & {
  with: string
  for: string
  out: string
  since?: string
  until?: string
}

/** `wayleave audit export`: evidence of the exchanges with one member, sealed to an auditor. */
export function exportCommand(output: Output): Command {
  return withPlace(new Command('export'))
    .description('Write evidence of the exchanges with one member into a file, sealed to an auditor')
    .requiredOption('--with <system|value>', 'the other member')
    .requiredOption('--for <file>', 'the auditor’s public key, as audit auditor-key writes it')
    .requiredOption('--out <file>', 'where to write it; must not exist')
    .option('--since <instant>', 'from this date or instant on')
    .option('--until <instant>', 'up to this date or instant; 20 minutes ago unless given')
    .action(async (options: ExportOptions) => {
      const auditor = programOf(options, 'auditor', { scopes: ['system/AuditEvent.rs'] })
      const recipient = JSON.parse(readFileSync(options.for, 'utf8')) as JWK
      // Every page speaks of the same period.
      const until = options.until ?? new Date(Date.now() - 1_200_000).toISOString()
      const period = { until, ...(options.since ? { since: options.since } : {}) }
      const file = openSync(options.out, 'wx', 0o600)
      let after: EvidencePlace | undefined
      let pages = 0
      do {
        const body = { with: options.with, recipient, ...period, ...(after ? { after } : {}) }
        const asked = auditor.manage('POST', '/audit/evidence', body)
        const page = await answeredBy<{ jwe: string; next?: EvidencePlace }>(asked)
        writeSync(file, `${page.jwe}\n`)
        after = page.next
        output.err(`page ${++pages}${after ? `, up to window ${after.window}` : ''}\n`)
      } while (after)
      output.out(`${options.out} holds ${pages} sealed ${pages === 1 ? 'page' : 'pages'}.\n`)
    })
}

type VerifyOptions = { key: string; chain?: string; sandbox: string; json?: boolean }

const VERIFY_HELP = `
Takes the files that two hospitals exported about their exchanges with each other, and needs neither of their brokers: only a
node of the chain, whose roots and published keys it reads. --chain is a file as "chain" in a broker's configuration: rpc, chainId,
contracts, predecessors, deployedAt.

Exit code: 0 where both agree; 1 where something was found; 2 where the files could not be checked.`

/** `wayleave audit verify`: two members' evidence against each other and against the chain, without any broker. */
export function verifyCommand(output: Output): Command {
  return new Command('verify')
    .description('Check two hospitals’ evidence against each other and the chain, without their brokers')
    .argument('<files...>', 'the two files that they exported')
    .requiredOption('--key <file>', 'the auditor’s private key')
    .option('--chain <file>', 'the network; the sandbox’s unless given')
    .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')
    .option('--json', 'the report as JSON')
    .addHelpText('after', VERIFY_HELP)
    .action(async (files: string[], options: VerifyOptions) => {
      process.exitCode = await verify(files, options, output)
    })
}

async function verify(files: string[], options: VerifyOptions, output: Output): Promise<number> {
  let report: ReconciliationReport
  try {
    const [first, second, ...more] = files
    if (!first || !second || more.length > 0) throw new Error('Name two files')
    report = await verified([first, second], options)
  } catch (error) {
    output.err(`wayleave: ${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
  output.out(
    options.json
      ? `${JSON.stringify(report, null, 2)}\n`
      : findingsInWords(report, memberNames(options.sandbox)),
  )
  return report.agree ? 0 : 1
}

async function verified(files: [string, string], options: VerifyOptions): Promise<ReconciliationReport> {
  const config = chainIn(options)
  const key = (await importJWK(
    JSON.parse(readFileSync(options.key, 'utf8')) as JWK,
    'ECDH-ES+A256KW',
  )) as CryptoKey
  const { contracts, predecessors = {}, deployedAt, chainId } = config
  const provider = new JsonRpcProvider(config.rpc, chainId, { staticNetwork: true })
  try {
    const registries = [contracts.memberRegistry, ...(predecessors.memberRegistry ?? [])]
    const logs = [contracts.accessLog, ...(predecessors.accessLog ?? [])]
    const keysOf = publishedKeys({ provider, registries, deployedAt })
    return await compareFiles(files, { key, keysOf, chain: { provider, logs, deployedAt } })
  } finally {
    provider.destroy()
  }
}

function chainIn({ chain, sandbox }: VerifyOptions): BrokerConfig['chain'] {
  if (chain !== undefined) return JSON.parse(readFileSync(chain, 'utf8')) as BrokerConfig['chain']
  if (!existsSync(sandbox)) throw new Error('Name --chain: there is no sandbox here')
  return readSandboxFile(sandbox).chain
}
