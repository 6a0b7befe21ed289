import type { Api } from './api-types.ts'
import { type Entry, type NoteAccess, readEntry, responseEntry } from './bundle-entry.ts'
import { isObject } from './json.ts'
import type { Bundle, BundleEntry } from './medplum-types.ts'
import { invalid } from './outcomes.ts'
import type { SqlRepository } from './repository.ts'
import { runTransaction } from './transaction.ts'

const MOST_ENTRIES = 5_000

/** Answers a bundle posted to the base. @throws OperationOutcomeError */
export async function runBundle(
  body: unknown,
  repository: SqlRepository,
  api: Api,
  note: NoteAccess,
): Promise<Bundle> {
  if (!isObject(body) || body.resourceType !== 'Bundle') throw invalid('The base takes a Bundle')
  const entries = body.entry ?? []
  if (!Array.isArray(entries)) throw invalid('Bundle.entry must be an array')
  if (entries.length > MOST_ENTRIES) throw invalid(`A bundle may have ${MOST_ENTRIES} entries`)
  const read = entries.map((entry, index) => readEntry(entry, index, repository.base))
  if (body.type === 'transaction') return runTransaction(read, repository, api, note)
  if (body.type === 'batch') return runBatch(read, repository, api, note)
  throw invalid('A Bundle for the base is a batch or a transaction')
}

async function runBatch(entries: readonly Entry[], repository: SqlRepository, api: Api, note: NoteAccess) {
  const answers: BundleEntry[] = []
  for (const entry of entries) {
    const response = await api.handle({ ...entry, body: entry.resource }, repository)
    note(response, entry.method)
    answers.push(responseEntry(response))
  }
  return { resourceType: 'Bundle', type: 'batch-response', entry: answers } satisfies Bundle
}
