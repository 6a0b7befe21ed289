import { readFileSync } from 'node:fs'
import { parseIdentifierText } from '../domain/identity/member-id.ts'
import { createHisClient, type HisClient } from '../sandbox/his-client.ts'
import { readSandboxFile, type SandboxClient } from '../sandbox/sandbox-file.ts'

/** Where a hospital's broker is, and as which of its programs it is asked. */
export type ProgramOptions = {
  broker?: string
  organization?: string
  credentials?: string
  hospital?: string
  sandbox: string
}

/** A program of a hospital at its broker: by its own credentials, or one of the sandbox. @throws Error with what is missing */
export function programOf(
  options: ProgramOptions,
  program: 'admin' | 'auditor',
  { scopes, user }: { scopes: string[]; user?: { id: string; name: string; role: string } },
): HisClient {
  const by = user ? { user } : {}
  if (options.hospital !== undefined) {
    const { hospitals } = readSandboxFile(options.sandbox)
    const hospital = hospitals.find(({ key }) => key === options.hospital)
    if (!hospital)
      throw new Error(`No hospital ${options.hospital}; there are: ${hospitals.map((h) => h.key).join(', ')}`)
    const { broker, identifier: organization } = hospital
    const client = { ...hospital[program], scopes }
    return createHisClient({ broker, client, organization, ...by })
  }
  const { broker, organization, credentials } = options
  if (!broker || !organization || !credentials)
    throw new Error('Name --broker, --organization and --credentials, or --hospital')
  const { clientId, jwk } = JSON.parse(readFileSync(credentials, 'utf8')) as SandboxClient
  return createHisClient({
    broker,
    client: { clientId, jwk, scopes },
    organization: parseIdentifierText(organization),
    ...by,
  })
}

/** What a broker answered. @throws Error with its code, for the terminal */
export async function answeredBy<T>(asked: ReturnType<HisClient['manage']>): Promise<T> {
  const { status, body, code } = await asked
  if (status >= 300) throw new Error(`The broker answered ${status} ${code ?? ''}`)
  return body as T
}
