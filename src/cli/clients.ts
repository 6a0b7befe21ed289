import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { JSONWebKeySet } from 'jose'
import type { HisClient } from '../sandbox/his-client.ts'
import { answeredBy, type ProgramOptions, programOf } from './program-of.ts'

/** What the registration endpoint tells of a client (RFC 7591 §3.2.1). */
type Told = {
  client_id: string
  client_name: string
  scope: string
  jwks?: JSONWebKeySet
  jwks_uri?: string
  registration_client_uri?: string
}

type Place = ProgramOptions & { user: string }

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
  const { clients } = await answeredBy<{ clients: Told[] }>(adminOf(options).manage('GET', '/auth/clients'))
  return clients.map(line).join('')
}

async function add(options: Place & Keys & { name: string; scope: string }): Promise<string> {
  const { name: client_name, scope } = options
  const body = { client_name, scope, ...keysIn(options) }
  return line(await answeredBy<Told>(adminOf(options).manage('POST', '/auth/clients', body)))
}

async function rotate(options: Place & Keys & { client: string }): Promise<string> {
  const admin = adminOf(options)
  const path = `/auth/clients/${encodeURIComponent(options.client)}`
  const { client_name, scope } = await answeredBy<Told>(admin.manage('GET', path))
  const body = { client_name, scope, ...keysIn(options) }
  return line(await answeredBy<Told>(admin.manage('PUT', path, body)))
}

async function remove(options: Place & { client: string }): Promise<string> {
  await answeredBy(adminOf(options).manage('DELETE', `/auth/clients/${encodeURIComponent(options.client)}`))
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

function adminOf(options: Place): HisClient {
  const user = { id: options.user, name: options.user, role: 'operator' }
  return programOf(options, 'admin', { scopes: ['system/client-admin'], user })
}
