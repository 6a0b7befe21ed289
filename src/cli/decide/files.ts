/** What the commands read that need neither chain nor network, and how they answer. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../../domain/consent/fhir/read.ts'
import { WayleaveError, wayleaveError } from '../../domain/errors.ts'
import { parseStrictJson } from '../../domain/records/strict-json.ts'

/** A file, or a line of a batch, of more bytes is refused. */
export const MAX_BYTES = 64 * 2 ** 20

/** Provisions may nest as deep as anybody writes; each is two levels of JSON. */
export const LIMITS = { maxDepth: 10_000, exactNumbers: false }

/** A file, or every `.json` file of a folder and of those in it, by name. */
export function filesIn(path: string): string[] {
  if (!stat(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.toLowerCase().endsWith('.json') && !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

export function stat(path: string) {
  try {
    return statSync(path)
  } catch (cause) {
    throw wayleaveError('request-invalid', `${path}: cannot be read`, cause)
  }
}

export function readBytes(file: string): Uint8Array {
  if (stat(file).size > MAX_BYTES) throw wayleaveError('body-too-large', file)
  try {
    return readFileSync(file)
  } catch (cause) {
    throw wayleaveError('request-invalid', `${file}: cannot be read`, cause)
  }
}

/** Reads strict JSON; what is wrong is told with the name of the file. */
export function readJson(file: string): unknown {
  const bytes = readBytes(file)
  return inFile(file, () => parseStrictJson(bytes, LIMITS))
}

/** Runs `read`, and names the file in what it throws. */
export function inFile<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof WayleaveError) throw wayleaveError(error.code, `${file}: ${error.detail}`, error)
    throw error
  }
}

/** Consents and directory, among whatever else is an object: that is passed over. */
export function consentsIn(value: unknown, name: string): unknown {
  if (isObject(value) || Array.isArray(value)) return value
  throw wayleaveError('request-invalid', `${name}: neither an object nor an array`)
}

/** Whoever calls this reads their own files, and may be told all. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof WayleaveError && error.detail ? `${error.message} (${error.detail})` : error.message
}

export async function print(answer: object): Promise<void> {
  if (process.stdout.write(`${JSON.stringify(answer)}\n`)) return
  await new Promise((done) => process.stdout.once('drain', done))
}
