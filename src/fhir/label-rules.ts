import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { WayleaveError, wayleaveError } from '../domain/errors.ts'
import { DEFAULT_RULES } from '../domain/records/labels/default-rules.ts'
import type { LabelRule } from '../domain/records/labels/label-resource.ts'
import { readRules } from '../domain/records/labels/read-rules.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'

/** A value set of this size has been expanded by mistake. Bytes. */
const MAX_BYTES = 16 * 2 ** 20

/**
 * The rules that a custodian labels by: those of its files and, unless one of these replaces them, those that come with
 * Wayleave. Files of value sets are looked for beside the file that names them.
 *
 * @throws WayleaveError `request-invalid`, naming the file and the field
 */
export function readLabelRules(files: readonly string[]): LabelRule[] {
  const read = files.map((file) =>
    inFile(file, () => readRules(readJson(file), (name) => readJson(resolve(dirname(file), name)))),
  )
  const own = read.flatMap(({ rules }) => rules)
  return read.some(({ replaces }) => replaces) ? own : [...DEFAULT_RULES, ...own]
}

function readJson(file: string): unknown {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    throw wayleaveError('request-invalid', `${file} cannot be read`, cause)
  }
  if (bytes.length > MAX_BYTES) throw wayleaveError('request-invalid', `${file} is too large`)
  return inFile(file, () => parseStrictJson(bytes))
}

function inFile<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof WayleaveError)) throw error
    throw wayleaveError('request-invalid', `labelling rules ${file} ${error.detail ?? error.message}`, error)
  }
}
