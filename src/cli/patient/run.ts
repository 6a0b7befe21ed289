import { readFileSync, writeFileSync } from 'node:fs'
import {
  BrokerRefused,
  BrokerUnreachable,
  createPatientClient,
  type PatientClient,
  type Sending,
  type Sent,
} from '../../patient/client.ts'
import { checkWords } from '../../patient/seed.ts'
import { readSandboxFile, type SandboxFile } from '../../sandbox/sandbox-file.ts'
import { type ChainView, createChainView } from './in-force.ts'
import { type Hospital, hospitalOf, partyName } from './names.ts'
import { sentenceOf } from './sentences.ts'

/** Where the command writes; each text ends with a newline. */
export type Output = { out: (text: string) => void; err: (text: string) => void }

export type CommonOptions = {
  wordsFile: string
  custodian: string
  replacement: string
  helper?: string
  sandbox: string
  json?: boolean
}
export type ActOptions = CommonOptions & { via?: string; signOnly?: string }

/** What every subcommand works with, opened for one run. */
export type Run = { sandbox: SandboxFile; hospital: Hospital; client: PatientClient; chain: ChainView }

/** How long to look for an act on the chain. Milliseconds. */
export const LOOK_FOR = 20_000

/** Signs and sends, or only signs, one act; then looks for it on the chain and says what has become of it. */
export async function perform(
  options: ActOptions,
  output: Output,
  sign: (run: Run, sending: Sending) => Promise<Sent>,
): Promise<void> {
  await running(options, output, async (run) => {
    const sent = await sign(run, await sendingOf(run, options))
    if (options.signOnly !== undefined) return keep(sent, options.signOnly, options.via, output)
    const { receipt, jws, signed } = sent
    const { primaryType: act, message } = signed.typedData
    const awaitsApproval = receipt?.counts === 'when approved'
    const standing = awaitsApproval ? 'not yet' : await run.chain.standingOf(signed, LOOK_FOR)
    const countsAlready = receipt?.counts === 'now'
    const names = {
      custodian: run.hospital.name,
      party: (p: Parameters<typeof partyName>[1]) => partyName(run.sandbox, p),
    }
    const sentence = sentenceOf({ act, message, standing, awaitsApproval, countsAlready, ...names })
    if (options.json)
      writeJson(output, { act, standing, awaitsApproval, countsAlready, sentence, receipt, jws })
    else output.out(`${sentence}\n`)
    if (standing === 'beaten' || (standing === 'not yet' && !countsAlready && !awaitsApproval))
      process.exitCode = 1
  })
}

async function sendingOf({ sandbox, hospital, chain }: Run, { via, signOnly }: ActOptions): Promise<Sending> {
  const only = signOnly === undefined ? {} : { signOnly: true }
  if (via === undefined) return only
  // The keys come from the chain: the hospital in between must not be able to put its own in their place.
  return {
    ...only,
    via: { base: hospitalOf(sandbox, via).broker, custodianKeys: await chain.keysOf(hospital.member) },
  }
}

/** Whoever reads a signed act in clear learns whom the patient trusts, so the file is for its owner only. */
function keep({ form }: Sent, file: string, via: string | undefined, output: Output): void {
  const text = `${JSON.stringify(form, null, 2)}\n`
  if (file === '-') {
    output.out(text)
    return
  }
  writeFileSync(file, text, { mode: 0o600 })
  output.err(
    `Signed and not sent. POST ${file} to /relay ${via === undefined ? 'at the custodian' : `at ${via}`} to send it.\n`,
  )
}

/** Opens what a subcommand needs, closes it, and tells failures in one sentence, with exit code 1. */
export async function running(
  options: CommonOptions,
  output: Output,
  work: (run: Run) => Promise<void> | void,
): Promise<void> {
  let chain: ChainView | undefined
  try {
    const sandbox = readSandboxFile(options.sandbox)
    const hospital = hospitalOf(sandbox, options.custodian)
    const { chainId, contracts } = sandbox.chain
    const client = createPatientClient({
      broker: hospital.broker,
      member: hospital.member,
      words: readWords(options.wordsFile),
      replacement: replacementIn(options.replacement),
      ...(options.helper === undefined ? {} : { helper: helperIn(options.helper) }),
      chain: {
        chainId,
        consentRegistry: contracts.consentRegistry,
        patientRegistry: contracts.patientRegistry,
      },
      retry: true,
    })
    chain = createChainView(sandbox.chain)
    await work({ sandbox, hospital, client, chain })
  } catch (error) {
    const { code, message } = failureOf(error)
    if (options.json) writeJson(output, { error: { code, message } })
    output.err(`wayleave: ${message}${code === 'failed' ? '' : ` (${code})`}\n`)
    process.exitCode = 1
  } finally {
    chain?.close()
  }
}

/** @throws Error where it is no number of a key */
function replacementIn(text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new Error('--replacement is a number: 0 for the first key of these words.')
  return Number(text)
}

/** @throws Error where it is no number of a code */
export function helperIn(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error('--helper is a number: 0 for the first code that was shown.')
  return Number(text)
}

/** @throws WordsInvalid, and Error when the file cannot be read. What it holds is in no message. */
export function readWords(file: string): string {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new Error(`The words cannot be read from ${file}.`, { cause })
  }
  return checkWords(text)
}

function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof BrokerRefused || error instanceof BrokerUnreachable) return error
  return { code: 'failed', message: error instanceof Error ? error.message : String(error) }
}

export function writeJson(output: Output, value: unknown): void {
  output.out(`${JSON.stringify(value, null, 2)}\n`)
}

/** With a salt, whoever reads the output could find the patient's slots on the chain. */
export function withoutSalts(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'salt' ? undefined : inner)))
}
