import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  ConfigurationError,
  loadBrokerConfig,
  maskedConfig,
  readBrokerConfig,
  settings,
} from '../../../src/broker/index.ts'
import { read, section } from '../../docs/documents.ts'

const dir = mkdtempSync(join(tmpdir(), 'wayleave-config-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const written = (name: string, text: string) => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

const address = (n: number) => `0x${String(n).padStart(40, '0')}`
const CONTRACTS = [
  ...[
    'accessManager',
    'memberRegistry',
    'patientRegistry',
    'consentRegistry',
    'recordDirectory',
    'accessLog',
  ],
  ...['passkeyVerifier', 'accessRequests', 'breakGlass', 'succession', 'council'],
]

/** Everything that must be said, as variables. */
const ALL: Record<string, string> = {
  WAYLEAVE_NAME: 'Hospital A',
  WAYLEAVE_IDENTIFIER_SYSTEM: 'urn:oid:2.999.1',
  WAYLEAVE_IDENTIFIER_VALUE: 'a',
  WAYLEAVE_PORT: '8080',
  WAYLEAVE_KEYS: '/keys/a.json',
  DATABASE_URL: 'postgres://broker:hunter2-hunter2@db:5432/a?sslpassword=also-secret',
  WAYLEAVE_FHIR_BASE: 'http://fhir:8080/fhir',
  WAYLEAVE_CHAIN_RPC: 'http://node:8545',
  WAYLEAVE_CHAIN_CHAIN_ID: '7823',
  WAYLEAVE_CHAIN_DEPLOYED_AT: '1',
  WAYLEAVE_CONTACT_FILE: '/var/codes',
  ...Object.fromEntries(
    CONTRACTS.map((name, i) => [
      `WAYLEAVE_CHAIN_CONTRACTS_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
      address(i),
    ]),
  ),
}

const refusal = (env: Record<string, string>, file?: string): string => {
  try {
    loadBrokerConfig({ file, env })
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message
    throw error
  }
  throw new Error('it was taken')
}

test('variables alone say everything; what may be left out has its default', () => {
  expect(loadBrokerConfig({ env: ALL })).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    database: { kind: 'postgres', url: ALL.DATABASE_URL },
    fhir: { kind: 'server', base: 'http://fhir:8080/fhir' },
    chain: { chainId: 7823, contracts: { council: address(10) } },
    clients: [],
    timing: { feedMs: 2_000, windowMs: 10_000 },
  })
})

test('a variable counts over the file, and of another kind nothing of the file stays', () => {
  const json = { ...loadBrokerConfig({ env: ALL }), database: { kind: 'pglite', dir: '/data' } }
  const file = written('broker.json', JSON.stringify(json))
  const config = loadBrokerConfig({
    file,
    env: {
      WAYLEAVE_DATABASE_URL: 'postgres://x/y',
      WAYLEAVE_TIMING_FEED_MS: '500',
      WAYLEAVE_GROUPS: 'north, south',
    },
  })
  expect(config.database).toEqual({ kind: 'postgres', url: 'postgres://x/y' })
  expect([config.timing.feedMs, config.timing.windowMs, config.groups]).toEqual([
    500,
    10_000,
    ['north', 'south'],
  ])
  expect(loadBrokerConfig({ file, env: { WAYLEAVE_PORT: '' } }).port).toBe(8080)
})

test('every setting can be said by its variable, and is then where the file would have it', () => {
  const base = loadBrokerConfig({ env: ALL })
  for (const { variable, path, type, kind } of settings()) {
    const union = kind ? { [`WAYLEAVE_${path[0]?.toUpperCase()}_KIND`]: kind } : {}
    const text = Array.isArray(type)
      ? String(type[0])
      : {
          ...{ number: '1000', text: 'http://x', list: 'x,y', 'true or false': 'true' },
          JSON: path.includes('clients') ? '[]' : '{}',
        }[type as 'text']
    let config: unknown
    try {
      const env: Record<string, string> = { ...ALL, ...union, [variable]: text }
      if (path[0] === 'database') delete env.DATABASE_URL
      if (kind === 'embedded') {
        delete env.WAYLEAVE_FHIR_BASE
        Object.assign(env, { WAYLEAVE_FHIR_PORT: '1000', WAYLEAVE_FHIR_ACCESS_LOG: 'http://x' })
      }
      if (path[0] === 'fhir' && path[1] === 'kind') delete env.WAYLEAVE_FHIR_BASE
      if (path[0] === 'operator') env.WAYLEAVE_OPERATOR_PORT = '1000'
      config = loadBrokerConfig({ env })
    } catch (error) {
      // An address, a kind without the rest of it, or a hash has a form of its own: then it is this field that is spoken of.
      expect(String(error), variable).toContain(path[0] === 'chain' ? path.join('.') : String(path[0]))
      continue
    }
    const found = path.reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], config)
    const wanted = {
      number: 1000,
      list: ['x', 'y'],
      'true or false': true,
      JSON: JSON.parse(type === 'JSON' ? text : '0') as unknown,
    }
    expect(found, variable).toEqual(wanted[type as 'number'] ?? text)
  }
  expect(base.name).toBe('Hospital A')
})

test('where peers may be called, and TLS, can be said by variables alone', () => {
  const said = loadBrokerConfig({
    env: {
      ...ALL,
      WAYLEAVE_TLS_CERT: 'cert.pem',
      WAYLEAVE_TLS_KEY: 'key.pem',
      WAYLEAVE_PEERS_NETWORKS: '10.8.0.0/16, fd00::/8',
      WAYLEAVE_PEERS_PORTS: '[443, 9443]',
      WAYLEAVE_PEERS_ENDPOINTS: '{"urn:oid:2.999.1|b":["https://b.example"]}',
      WAYLEAVE_PEERS_ONLY_LISTED: 'true',
      WAYLEAVE_PEERS_PLAIN_HTTP: 'false',
    },
  })
  expect(said).toMatchObject({
    tls: { cert: 'cert.pem', key: 'key.pem' },
    peers: {
      networks: ['10.8.0.0/16', 'fd00::/8'],
      ports: [443, 9443],
      endpoints: { 'urn:oid:2.999.1|b': ['https://b.example'] },
      onlyListed: true,
      plainHttp: false,
    },
  })
  expect(loadBrokerConfig({ env: { ...ALL, WAYLEAVE_PEERS_PORTS: '"any"' } }).peers?.ports).toBe('any')
})

test('a secret may lie in a file, and is never said twice', () => {
  const { DATABASE_URL: _, ...rest } = ALL
  const file = written('url', 'postgres://from/file\n')
  for (const name of ['DATABASE_URL_FILE', 'WAYLEAVE_DATABASE_URL_FILE'])
    expect(loadBrokerConfig({ env: { ...rest, [name]: file } }).database).toMatchObject({
      url: 'postgres://from/file',
    })
  expect(refusal({ ...ALL, DATABASE_URL_FILE: file })).toBe(
    'DATABASE_URL and DATABASE_URL_FILE say the same; set one of them',
  )
  expect(refusal({ ...rest, DATABASE_URL_FILE: join(dir, 'none') })).toContain('ENOENT')
})

test('an unknown variable is refused with the nearest name, and so is an unknown field', () => {
  expect(refusal({ ...ALL, WAYLEAVE_TIMING_WINDOWMS: '1' })).toContain(
    'did you mean WAYLEAVE_TIMING_WINDOW_MS?',
  )
  // A passphrase is never the value of a variable, which others can read.
  expect(refusal({ ...ALL, WAYLEAVE_KEYS_PASSPHRASE: 'x' })).toContain('is no variable of a broker')
  const config = loadBrokerConfig({ env: ALL })
  const file = written('typo.json', JSON.stringify({ ...config, labelRule: [] }))
  expect(refusal({}, file)).toBe('labelRule is no field; did you mean labelRules?')
})

test('what is wrong is named by field and variable, and no value is repeated', () => {
  const { WAYLEAVE_NAME: _, ...nameless } = ALL
  expect(refusal(nameless)).toBe('name is missing (WAYLEAVE_NAME)')
  expect(refusal({ ...ALL, WAYLEAVE_PORT: 'hunter2' })).toBe('WAYLEAVE_PORT is not a whole number')
  expect(refusal({ ...ALL, WAYLEAVE_PORT: '99999' })).toMatch(/^port must be <= 65535 \(WAYLEAVE_PORT\)$/)
  expect(refusal({ ...ALL, WAYLEAVE_LOG_LEVEL: 'hunter2' })).toMatch(/^logLevel is one of trace, debug/)
  expect(refusal({ ...ALL, WAYLEAVE_PEERS_PLAIN_HTTP: 'hunter2' })).toBe(
    'WAYLEAVE_PEERS_PLAIN_HTTP is neither true nor false',
  )
  expect(refusal({ ...ALL, WAYLEAVE_PEERS_PORTS: '{}' })).toMatch(/^peers\.ports .*\(WAYLEAVE_PEERS_PORTS\)$/)
  expect(refusal({ ...ALL, WAYLEAVE_TLS_KEY: 'key.pem' })).toBe('tls.cert is missing (WAYLEAVE_TLS_CERT)')
  expect(refusal({ ...ALL, WAYLEAVE_CLIENTS: '{hunter2' })).toBe('WAYLEAVE_CLIENTS is not JSON')
  const { DATABASE_URL: _url, ...without } = ALL
  expect(refusal(without)).toMatch(/^database\.kind is one of pglite, postgres/)
  const wrong = { ...loadBrokerConfig({ env: ALL }), database: { kind: 'postgres', url: { hunter2: 1 } } }
  expect(() => readBrokerConfig(wrong)).toThrow(/^database\.url must be string/)
  expect(() => readBrokerConfig(wrong)).not.toThrow(/hunter2/)
})

test('--check prints what counts, with every secret masked; --help tells of every setting', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../../src/cli/main.ts'), 'broker', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...ALL },
    })
  const checked = run('--check')
  expect(checked.status).toBe(0)
  expect(JSON.parse(checked.stdout)).toEqual(maskedConfig(loadBrokerConfig({ env: ALL })))
  expect(JSON.parse(checked.stdout)).toMatchObject({
    database: { url: 'postgres://broker:***@db:5432/a?***' },
  })
  expect(checked.stdout).not.toMatch(/hunter2|also-secret/)
  const { stdout: help } = run('--help')
  for (const { variable, field, meaning } of settings()) {
    expect(help).toContain(`  ${variable}\n      ${field}: `)
    expect(meaning, field).not.toBe('')
  }
}, 60_000)

test('the page for operators names the variable of every setting', () => {
  const page = section(read('docs/operate.md'), 'Configuration')
  const missing = settings().filter(({ field, variable }) => {
    if (field.startsWith('chain.contracts.')) return false
    return !page.split('\n').some((line) => line.startsWith('|') && line.includes(`\`${variable}\``))
  })
  expect(missing.map(({ variable }) => variable)).toEqual([])
})
