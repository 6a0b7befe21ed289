import { createReadStream } from 'node:fs'
import { Command } from 'commander'
import {
  type ConsentDecision,
  compileConsents,
  decideConsents,
} from '../domain/consent/fhir/decide-consents.ts'
import { defectsOf } from '../domain/consent/fhir/enforceability.ts'
import { flattenResources, isObject } from '../domain/consent/fhir/read.ts'
import { readConsentRequest } from '../domain/consent/fhir/request.ts'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'
import { consentsIn, filesIn, LIMITS, MAX_BYTES, messageOf, print, readJson, stat } from './decide/files.ts'
import { splitLines } from './decide/split-lines.ts'

type Options = { consents?: string[]; request?: string; resource?: string[]; batch?: string }

/**
 * `wayleave decide`: what FHIR Consents say of a request, as JSON on stdout. Ends with 0 whatever was decided, with 2
 * and nothing on stdout where usage or input is wrong; a batch with 1 where a line was.
 */
export function decideCommand(): Command {
  const several = (value: string, before: string[] = []) => [...before, value]
  return new Command('decide')
    .description('Decide a request by FHIR Consents, without a network: see docs/decide.md')
    .option(
      '--consents <path>',
      'a JSON file or a folder of them: Consents, Groups, Organizations …',
      several,
    )
    .option('--request <file>', 'who asks, what for, when')
    .option('--resource <file>', 'a resource to be judged by itself', several)
    .option('--batch <file>', 'one { consents, request, resources } a line instead')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(async (options: Options, command: Command) => {
      const problem = wrongUsage(options)
      if (problem !== undefined) command.error(`error: ${problem}`)
      try {
        if (options.batch !== undefined) await decideBatch(options.batch)
        else await print(decideFiles(options))
      } catch (error) {
        process.stderr.write(`wayleave decide: ${messageOf(error)}\n`)
        process.exitCode = 2
      }
    })
}

function wrongUsage({ consents, request, resource, batch }: Options): string | undefined {
  if (batch === undefined)
    return consents && request ? undefined : 'give --consents and --request, or --batch'
  return consents || request || resource ? '--batch goes with no other option' : undefined
}

function decideFiles({ consents = [], request = '', resource = [] }: Options): ConsentDecision {
  const resources = consents.flatMap(filesIn).map((file) => consentsIn(readJson(file), file))
  const asked = readConsentRequest(readJson(request))
  const judged = resource.flatMap((file) => resourcesIn(readJson(file), file))
  const compiled = compileConsents(resources)
  for (const { id, path, reason } of defectsOf(compiled))
    process.stderr.write(`wayleave decide: ${id} ${path}: ${reason}\n`)
  return decideConsents(compiled, asked, flattenResources(judged))
}

/**
 * Resources to be judged: one, an array or a Bundle. Whatever else is in their place is a mistake.
 */
function resourcesIn(value: unknown, name: string): unknown[] {
  const open: unknown[] = [value]
  for (const next of open) {
    if (Array.isArray(next)) for (const one of next) open.push(one)
    else if (!isObject(next) || typeof next.resourceType !== 'string' || next.resourceType === '')
      throw wayleaveError('request-invalid', `${name}: not a FHIR resource, an array or a Bundle of them`)
    else if (next.resourceType === 'Bundle') for (const one of bundled(next.entry, name)) open.push(one)
  }
  return [value]
}

/** Entries of a Bundle that hold a resource; a search or a transaction may have some that hold none. */
function bundled(entries: unknown, name: string): unknown[] {
  if (entries === undefined) return []
  if (!Array.isArray(entries) || !entries.every(isObject))
    throw wayleaveError('request-invalid', `${name}: a Bundle with entries that are none`)
  return entries.flatMap(({ resource }) => (resource === undefined ? [] : [resource]))
}

/** Answers each line in its turn, so that a batch may be longer than memory. */
async function decideBatch(file: string): Promise<void> {
  if (stat(file).isDirectory()) throw wayleaveError('request-invalid', `${file}: a folder`)
  // Whoever reads may have read enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2))
  let failed = false
  for await (const line of splitLines(createReadStream(file), MAX_BYTES)) {
    const answer = decideLine(line)
    if ('error' in answer) failed = true
    await print(answer)
  }
  if (failed) process.exitCode = 1
}

type Failure = { error: { code: string; message: string } }

function decideLine(line: Uint8Array | 'too long'): ConsentDecision | Failure {
  try {
    if (line === 'too long') throw wayleaveError('body-too-large')
    const value = parseStrictJson(line, LIMITS)
    if (!isObject(value)) throw wayleaveError('request-invalid', 'not an object')
    const { consents, request, resources = [] } = value
    const compiled = compileConsents(consentsIn(consents, 'consents'))
    const asked = readConsentRequest(request)
    return decideConsents(compiled, asked, flattenResources(resourcesIn(resources, 'resources')))
  } catch (error) {
    if (!(error instanceof WayleaveError)) throw error
    return { error: { code: error.code, message: messageOf(error) } }
  }
}
