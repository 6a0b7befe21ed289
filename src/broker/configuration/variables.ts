/** The variables of the environment that a broker reads, made from the schema of its configuration. */
import { BrokerConfig } from '../config.ts'

/** The parts of JSON Schema that our own schema uses. */
export type Schema = {
  type?: string
  const?: unknown
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  default?: unknown
  description?: string
  secret?: boolean
  fromFile?: boolean
}

/** One setting: a leaf of the configuration, and how the environment names it. */
export type Setting = {
  /** Its place in the JSON file, such as `chain.rpc`. */
  field: string
  path: readonly string[]
  /** `WAYLEAVE_CHAIN_RPC`. */
  variable: string
  type: 'text' | 'number' | 'true or false' | 'list' | 'JSON' | readonly string[]
  default: unknown
  meaning: string
  /** Masked where the configuration is shown. */
  secret: boolean
  /** Whether `<variable>_FILE` may name a file that holds the value. */
  fromFile: boolean
  /** Of a union of objects: the `kind` that this setting belongs to. */
  kind?: string
}

/** What is set for other parts of Wayleave, and is no setting of a broker. */
export const NOT_SETTINGS: readonly string[] = ['WAYLEAVE_STARTED']

/** The name that every platform for running services gives to the database's address. */
export const DATABASE_URL = 'DATABASE_URL'

const variableOf = (path: readonly string[]) =>
  `WAYLEAVE_${path.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`)).join('_')}`.toUpperCase()

/** Of a union of objects the member of a kind. */
export const memberOf = (schema: Schema, kind: unknown): Schema | undefined =>
  schema.anyOf?.find((one) => one.properties?.kind?.const === kind)

export const isUnionOfObjects = (schema: Schema): boolean =>
  schema.anyOf?.every((one) => one.properties !== undefined) === true

const literals = (schema: Schema): string[] | undefined =>
  schema.anyOf?.every((one) => typeof one.const === 'string')
    ? schema.anyOf.map((one) => String(one.const))
    : undefined

function typeOf(schema: Schema): Setting['type'] {
  if (schema.type === 'integer') return 'number'
  if (schema.type === 'string') return 'text'
  if (schema.type === 'boolean') return 'true or false'
  if (schema.type === 'array' && schema.items?.type === 'string') return 'list'
  return literals(schema) ?? 'JSON'
}

function settingsOf(schema: Schema, path: readonly string[], kind?: string): Setting[] {
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([name, one]) => settingsOf(one, [...path, name], kind))
  if (isUnionOfObjects(schema)) {
    const kinds = (schema.anyOf ?? []).map((one) => String(one.properties?.kind?.const))
    const which = {
      anyOf: kinds.map((one) => ({ const: one })),
      description: `Which of ${kinds.join(' and ')}`,
    }
    return [
      ...settingsOf(which, [...path, 'kind']),
      ...(schema.anyOf ?? []).flatMap(({ properties: { kind: _kind, ...rest } = {} }, i) =>
        settingsOf({ properties: rest }, path, kinds[i]),
      ),
    ]
  }
  const secret = schema.secret === true
  return [
    {
      field: path.join('.'),
      path,
      variable: variableOf(path),
      type: typeOf(schema),
      default: schema.default,
      meaning: schema.description ?? '',
      secret,
      fromFile: secret || schema.fromFile === true,
      ...(kind === undefined ? {} : { kind }),
    },
  ]
}

/** Every setting there is, in the order of the schema. */
export const settings = (): Setting[] => settingsOf(BrokerConfig as unknown as Schema, [])

/** The part of `wayleave broker --help` that tells of every setting. */
export function settingsHelp(): string {
  const lines = settings().map((one) => {
    const type = typeof one.type === 'string' ? one.type : one.type.join(' | ')
    const preset = one.default === undefined ? '' : ` [${JSON.stringify(one.default)}]`
    const file = one.fromFile ? ` Or ${one.variable}_FILE: a file that holds it.` : ''
    const only = one.kind ? ` Where the kind is ${one.kind}.` : ''
    return `  ${one.variable}\n      ${one.field}: ${type}${preset}. ${one.meaning}.${only}${file}`
  })
  return `
Settings, by their variables; below each its field in the JSON file, type, [value unless set] and meaning. A variable counts over
the file, and no file is needed where variables say everything. Lists are separated by commas. Standard OTEL_… variables set
up tracing; see docs/operate.md.

${lines.join('\n')}
  ${DATABASE_URL}
      The same as WAYLEAVE_DATABASE_URL; ${DATABASE_URL}_FILE, too.
`
}
