import { Command } from 'commander'
import { compileConsents, judgeByConsents } from '../domain/consent/fhir/decide-consents.ts'
import { defectsOf } from '../domain/consent/fhir/enforceability.ts'
import { isObject } from '../domain/consent/fhir/read.ts'
import { readConsentRequest } from '../domain/consent/fhir/request.ts'
import { type Filtered, filterAnswer } from '../domain/consent/filtering/filter-answer.ts'
import { readAboutPatient } from '../domain/consent/filtering/patient.ts'
import { readAnswer } from '../domain/consent/filtering/read-answer.ts'
import { verdictByConsents } from '../domain/consent/filtering/verdict-by-consents.ts'
import { wayleaveError } from '../domain/errors.ts'
import { readLabelRules } from '../fhir/label-rules.ts'
import { createLabeller } from '../fhir/labeller.ts'
import { consentsIn, filesIn, inFile, messageOf, print, readBytes, readJson } from './decide/files.ts'

type Options = {
  consents: string[]
  request: string
  bundle: string
  base?: string
  labelRules?: string[]
  tellRedactions?: boolean
}

/**
 * `wayleave filter`: what of a FHIR server's answer may be handed on, as JSON on stdout: `{ answer, withheld }`, where
 * `answer` is null if nothing may be. Ends with 0 whatever was withheld, with 2 and nothing on stdout where usage or
 * input is wrong.
 */
export function filterCommand(): Command {
  const several = (value: string, before: string[] = []) => [...before, value]
  return new Command('filter')
    .description('Filter a FHIR server’s answer by FHIR Consents, without a network: see docs/filter.md')
    .requiredOption('--consents <path>', 'a JSON file or a folder of them, as for decide', several)
    .requiredOption('--request <file>', 'who asks, what for, when, and about which patient')
    .requiredOption('--bundle <file>', 'what the server answered: a Bundle of any type, or a resource')
    .option('--base <url>', 'the base of the server that answered')
    .option('--label-rules <file>', 'labelling rules of your own', several)
    .option('--tell-redactions', 'say in the answer that something is withheld')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .action(async (options: Options) => {
      try {
        const { answer = null, withheld } = filterFiles(options)
        await print({ answer, withheld })
      } catch (error) {
        process.stderr.write(`wayleave filter: ${messageOf(error)}\n`)
        process.exitCode = 2
      }
    })
}

function filterFiles(options: Options): Filtered {
  const compiled = compileConsents(
    options.consents.flatMap(filesIn).map((file) => consentsIn(readJson(file), file)),
  )
  const asked = readJson(options.request)
  const request = readConsentRequest(asked)
  const patient = readAboutPatient(isObject(asked) ? asked.patient : undefined)
  const base = options.base === undefined ? {} : { base: readBase(options.base) }
  const labeller = createLabeller(readLabelRules(options.labelRules ?? []))
  const answer = readAnswerFile(options.bundle)
  for (const { id, path, reason } of defectsOf(compiled))
    process.stderr.write(`wayleave filter: ${id} ${path}: ${reason}\n`)
  return filterAnswer(answer, {
    patient,
    ...base,
    tellsRedactions: options.tellRedactions ?? false,
    label: (resource) => labeller.label(resource),
    verdict: verdictByConsents(judgeByConsents(compiled, request)),
  })
}

function readBase(text: string): string {
  if (!/^https?:\/\/[^\s?#]+$/.test(text)) throw wayleaveError('request-invalid', '--base: no address')
  return text.replace(/\/+$/, '')
}

function readAnswerFile(file: string): unknown {
  const bytes = readBytes(file)
  const answer = inFile(file, () => readAnswer(bytes))
  if (!isObject(answer) || typeof answer.resourceType !== 'string')
    throw wayleaveError('request-invalid', `${file}: neither a Bundle nor a resource`)
  return answer
}
