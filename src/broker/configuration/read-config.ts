/** Reads a broker's configuration from its file and its environment, and says in words what is wrong with it. */
import { readFileSync } from 'node:fs'
import { Value } from 'typebox/value'
import { BrokerConfig } from '../config.ts'
import {
  DATABASE_URL,
  isUnionOfObjects,
  memberOf,
  NOT_SETTINGS,
  type Schema,
  type Setting,
  settings,
} from './variables.ts'

/** What an operator reads at the terminal. It names fields and variables and never repeats a value, which may be a secret. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

type Json = Record<string, unknown>
type Environment = Readonly<Record<string, string | undefined>>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** @throws ConfigurationError that names the first field that is wrong, missing or unknown. */
export function readBrokerConfig(json: unknown): BrokerConfig {
  const schema = BrokerConfig as unknown as Schema
  if (!isObject(json)) throw new ConfigurationError('The configuration is not a JSON object')
  const unknown = firstUnknown(schema, json, [])
  if (unknown) throw unknown
  const filled = Value.Default(BrokerConfig, structuredClone(json))
  if (Value.Check(BrokerConfig, filled)) return filled
  throw firstWrong(schema, filled, []) ?? new ConfigurationError('The configuration is wrong')
}

/**
 * The configuration of the file, if there is one, with what the environment says over it.
 * @throws ConfigurationError
 */
export function loadBrokerConfig(from: { file?: string | undefined; env: Environment }): BrokerConfig {
  const json = from.file === undefined ? {} : readJson(from.file)
  if (!isObject(json)) throw new ConfigurationError(`${from.file} is not a JSON object`)
  return readBrokerConfig(withEnvironment(json, from.env))
}

/** The same with every secret masked, for showing. */
export function maskedConfig(config: BrokerConfig): unknown {
  const shown = structuredClone(config) as Json
  for (const { path, secret } of settings()) {
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((at, part) => (isObject(at) ? at[part] : undefined), shown)
    const last = path.at(-1) ?? ''
    const value = isObject(parent) ? parent[last] : undefined
    if (secret && isObject(parent) && typeof value === 'string') parent[last] = masked(value)
  }
  return shown
}

/** Of an address everything but the password stays; of anything else nothing. */
function masked(secret: string): string {
  if (!URL.canParse(secret)) return '***'
  const url = new URL(secret)
  const { protocol, hostname, port, pathname } = url
  const user = url.username === '' ? '' : `${url.username}${url.password === '' ? '' : ':***'}@`
  // Parameters may hold a password as well.
  return `${protocol}//${user}${hostname}${port === '' ? '' : `:${port}`}${pathname}${url.search === '' ? '' : '?***'}`
}

function readJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigurationError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigurationError(`${file} is not JSON`)
  }
}

// --- the environment ----------------------------------------------------------------------------------------

function withEnvironment(file: Json, env: Environment): Json {
  refuseUnknown(env)
  const config = structuredClone(file)
  const given = settings().flatMap((setting) => {
    const text = textOf(setting, env)
    return text === undefined ? [] : [{ setting, text }]
  })
  // First which kind a union is of: what belongs to another kind does not stay beside it.
  for (const union of ['database', 'fhir']) chooseKind(config, union, given)
  for (const { setting, text } of given) put(config, setting.path, parsed(setting, text))
  return config
}

/** The text of a variable, or of the file that it names; DATABASE_URL counts as the variable of the database's address. */
function textOf(setting: Setting, env: Environment): string | undefined {
  const names = [setting.variable, ...(setting.field === 'database.url' ? [DATABASE_URL] : [])]
  const all = names.flatMap((name) => [name, ...(setting.fromFile ? [`${name}_FILE`] : [])])
  // A variable that is empty is one that was not set: platforms cannot take one away.
  const set = all.filter((name) => (env[name] ?? '') !== '')
  const [first, second] = set
  if (first === undefined) return undefined
  if (second !== undefined)
    throw new ConfigurationError(`${first} and ${second} say the same; set one of them`)
  if (!first.endsWith('_FILE') || first === setting.variable) return env[first]
  try {
    return readFileSync(env[first] ?? '', 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new ConfigurationError(
      `The file that ${first} names cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    )
  }
}

function chooseKind(config: Json, union: string, given: readonly { setting: Setting; text: string }[]): void {
  const ours = given.filter(({ setting }) => setting.path[0] === union)
  const said = ours.find(({ setting }) => setting.field === `${union}.kind`)?.text
  const kinds = new Set(ours.flatMap(({ setting }) => setting.kind ?? []))
  const kind = said ?? (kinds.size === 1 ? [...kinds][0] : undefined)
  const before = config[union]
  if (kind !== undefined && (!isObject(before) || before.kind !== kind)) config[union] = { kind }
}

function put(config: Json, path: readonly string[], value: unknown): void {
  let at = config
  for (const part of path.slice(0, -1)) {
    if (!isObject(at[part])) at[part] = {}
    at = at[part] as Json
  }
  at[path.at(-1) ?? ''] = value
}

function parsed({ variable, type }: Setting, text: string): unknown {
  if (type === 'number') {
    if (!/^\d{1,15}$/.test(text)) throw new ConfigurationError(`${variable} is not a whole number`)
    return Number(text)
  }
  if (type === 'true or false') {
    if (text !== 'true' && text !== 'false')
      throw new ConfigurationError(`${variable} is neither true nor false`)
    return text === 'true'
  }
  if (type === 'list' && !text.trimStart().startsWith('[')) return text.split(',').map((item) => item.trim())
  if (type === 'list' || type === 'JSON') {
    try {
      return JSON.parse(text)
    } catch {
      throw new ConfigurationError(`${variable} is not JSON`)
    }
  }
  return text
}

function refuseUnknown(env: Environment): void {
  const known = [
    ...settings().flatMap(({ variable, fromFile }) => [variable, ...(fromFile ? [`${variable}_FILE`] : [])]),
    ...NOT_SETTINGS,
  ]
  for (const name of Object.keys(env).filter((one) => one.startsWith('WAYLEAVE_')))
    if (!known.includes(name))
      throw new ConfigurationError(
        `${name} is no variable of a broker; did you mean ${nearest(name, known)}?`,
      )
}

// --- what is wrong ------------------------------------------------------------------------------------------

const fieldOf = (path: readonly string[]) => path.join('.') || 'The configuration'

function firstUnknown(
  schema: Schema,
  value: unknown,
  path: readonly string[],
): ConfigurationError | undefined {
  const shape = isUnionOfObjects(schema) && isObject(value) ? memberOf(schema, value.kind) : schema
  if (!shape?.properties || !isObject(value)) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const known = shape.properties[name]
    if (!known) {
      const close = nearest(name, Object.keys(shape.properties))
      return new ConfigurationError(
        `${fieldOf([...path, name])} is no field; did you mean ${fieldOf([...path, close])}?`,
      )
    }
    const deeper = firstUnknown(known, inner, [...path, name])
    if (deeper) return deeper
  }
  return undefined
}

function firstWrong(schema: Schema, value: unknown, path: readonly string[]): ConfigurationError | undefined {
  if (isUnionOfObjects(schema)) {
    const kinds = (schema.anyOf ?? []).map((one) => String(one.properties?.kind?.const))
    const member = isObject(value) ? memberOf(schema, value.kind) : undefined
    if (!member) return wrong([...path, 'kind'], `is one of ${kinds.join(', ')}`)
    return firstWrong(member, value, path)
  }
  if (schema.properties && isObject(value)) {
    for (const [name, inner] of Object.entries(schema.properties)) {
      const at = [...path, name]
      // Of a group of fields the first that is missing is told.
      const group = isUnionOfObjects(inner) || Object.keys(inner.properties ?? {}).length > 0
      if (value[name] === undefined) {
        if (!schema.required?.includes(name)) continue
        if (!group) return wrong(at, 'is missing')
      }
      const found = firstWrong(inner, value[name] ?? {}, at)
      if (found) return found
    }
    return undefined
  }
  if (Value.Check(schema as never, value)) return undefined
  const [first] = Value.Errors(schema as never, value)
  const deeper = (first?.instancePath ?? '').split('/').filter(Boolean)
  const isChoice = schema.anyOf?.every((one) => one.const !== undefined)
  const choices = isChoice && schema.anyOf?.map((one) => String(one.const)).join(', ')
  return wrong([...path, ...deeper], choices ? `is one of ${choices}` : (first?.message ?? 'is wrong'))
}

function wrong(path: readonly string[], what: string): ConfigurationError {
  const variable = settings().find(({ field }) => field === path.join('.'))?.variable
  return new ConfigurationError(`${fieldOf(path)} ${what}${variable ? ` (${variable})` : ''}`)
}

/** The name that takes the fewest changes of one letter (Levenshtein). */
function nearest(name: string, names: readonly string[]): string {
  const [best = ''] = [...names].sort((a, b) => distance(name, a) - distance(name, b))
  return best
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(
        Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === b[j] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length] ?? 0
}
