import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { JSONWebKeySet } from 'jose'
import { parseIdentifierText } from '../domain/identity/member-id.ts'
import { createHisClient, type HisClient } from '../sandbox/his-client.ts'
import { readSandboxFile, type SandboxClient } from '../sandbox/sandbox-file.ts'

/** What the registration endpoint tells of a client (RFC 7591 §3.2.1). */
type Told = {
  client_id: string
  client_name: string
  scope: string
  jwks?: JSONWebKeySet
  jwks_uri?: string
  registration_client_uri?: string
}

type Place = {
  broker?: string
  organization?: string
  credentials?: string
  user: string
  hospital?: string
  sandbox: string
}

type Keys = { jwks?: string; jwksUri?: string }

/** `wayleave clients`: the programs that may call a broker, changed while it runs. */
export function clientsCommand(out: (line: string) => void = (text) => process.stdout.write(text)): Command {
  const clients = new Command('clients').description(
    'Register the programs that may call a broker, give them new keys, remove them; no restart',
  )
  const under = (name: string, text: string) =>
    clients
      .command(name)
      .description(text)
      .option('--broker <url>', 'where the broker is reached')
      .option('--organization <system|value>', 'the hospital’s identifier')
      .option('--credentials <file>', 'clientId and private jwk of a program with system/client-admin')
      .option('--user <id>', 'who does it; the trail names them', 'operator')
      .option('--hospital <key>', 'a hospital of the sandbox, in place of the three above')
      .option('--sandbox <file>', 'the sandbox’s description', '.wayleave/sandbox.json')
  const run =
    <O>(act: (options: O) => Promise<string>) =>
    async (options: O) =>
      out(await act(options))
  under('list', 'What is registered, and what stands in the configuration').action(run(list))
  under('add', 'Register a program by its public keys, or by where it publishes them')
    .requiredOption('--name <text>', 'what it is called')
    .requiredOption('--scope <scopes>', 'what it may ask for, with blanks between')
    .option('--jwks <file>', 'its public keys, a JSON Web Key Set')
    .option('--jwks-uri <url>', 'where its key set is, at an origin that the broker’s configuration lists')
    .action(run(add))
  under('rotate', 'Put other public keys in place of those that are registered')
    .requiredOption('--client <id>', 'which program')
    .option(
      '--jwks <file>',
      'its public keys, a JSON Web Key Set; name the old one, too, until it is out of use',
    )
    .option('--jwks-uri <url>', 'where its key set is')
    .action(run(rotate))
  under('remove', 'Remove a program; its tokens end at once')
    .requiredOption('--client <id>', 'which program')
    .action(run(remove))
  return clients
}

async function list(options: Place): Promise<string> {
  const { clients } = await told<{ clients: Told[] }>(adminOf(options).manage('GET', '/auth/clients'))
  return clients.map(line).join('')
}

async function add(options: Place & Keys & { name: string; scope: string }): Promise<string> {
  const { name: client_name, scope } = options
  const body = { client_name, scope, ...keysIn(options) }
  return line(await told<Told>(adminOf(options).manage('POST', '/auth/clients', body)))
}

async function rotate(options: Place & Keys & { client: string }): Promise<string> {
  const admin = adminOf(options)
  const path = `/auth/clients/${encodeURIComponent(options.client)}`
  const { client_name, scope } = await told<Told>(admin.manage('GET', path))
  const body = { client_name, scope, ...keysIn(options) }
  return line(await told<Told>(admin.manage('PUT', path, body)))
}

async function remove(options: Place & { client: string }): Promise<string> {
  await told(adminOf(options).manage('DELETE', `/auth/clients/${encodeURIComponent(options.client)}`))
  return `${options.client} is removed.\n`
}

function line({ client_id, scope, client_name, jwks, jwks_uri, registration_client_uri }: Told): string {
  const keys = jwks_uri ?? (jwks?.keys ?? []).map(({ kid }) => kid).join(' ')
  const from = registration_client_uri ? 'registered' : 'configuration'
  return `${client_id}  ${client_name}  [${from}]  keys: ${keys}  scope: ${scope}\n`
}

function keysIn({ jwks, jwksUri }: Keys): { jwks: unknown } | { jwks_uri: string } {
  if ((jwks === undefined) === (jwksUri === undefined)) throw new Error('Name --jwks or --jwks-uri, not both')
  return jwks === undefined ? { jwks_uri: jwksUri ?? '' } : { jwks: JSON.parse(readFileSync(jwks, 'utf8')) }
}

async function told<T>(asked: ReturnType<HisClient['manage']>): Promise<T> {
  const { status, body, code } = await asked
  if (status >= 300) throw new Error(`The broker answered ${status} ${code ?? ''}`)
  return body as T
}

function adminOf(options: Place): HisClient {
  const user = { id: options.user, name: options.user, role: 'operator' }
  if (options.hospital !== undefined) {
    const { hospitals } = readSandboxFile(options.sandbox)
    const hospital = hospitals.find(({ key }) => key === options.hospital)
    if (!hospital) throw new Error(`No hospital ${options.hospital}`)
    const { broker, admin: client, identifier: organization } = hospital
    return createHisClient({ broker, client, organization, user })
  }
  const { broker, organization, credentials } = options
  if (!broker || !organization || !credentials)
    throw new Error('Name --broker, --organization and --credentials, or --hospital')
  const { clientId, jwk } = JSON.parse(readFileSync(credentials, 'utf8')) as SandboxClient
  return createHisClient({
    broker,
    client: { clientId, jwk, scopes: ['system/client-admin'] },
    organization: parseIdentifierText(organization),
    user,
  })
}
