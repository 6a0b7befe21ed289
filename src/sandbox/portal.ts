import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import { servePages } from '../pages/pages.ts'
import { freePort } from './ports.ts'
import type { SandboxFile } from './sandbox-file.ts'
import { sentMessages } from './sent-messages.ts'

/** Where scripts/pages.ts builds the portal. */
const PAGES = join(import.meta.dirname, '..', '..', 'dist', 'web', 'portal')

/**
 * Where the sandbox's portal is: the same at each start, since a browser keeps words and passkeys for one origin. It is called
 * `localhost`, since there are no passkeys for an address without a name (WebAuthn Level 3 §5.1.3).
 */
export async function portalOrigin(dir: string): Promise<string> {
  const file = join(dir, 'portal.port')
  const port = await freePort(existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined)
  writeFileSync(file, String(port))
  return `http://localhost:${port}`
}

/** What the portal must know of the network, as a portal elsewhere has it in a file beside its pages. */
export function networkOf({ chain, council, hospitals }: SandboxFile, jwks: (member: string) => unknown) {
  const { consentRegistry, patientRegistry } = chain.contracts
  return {
    chain: { chainId: chain.chainId, consentRegistry, patientRegistry },
    members: hospitals.map(({ member, name, identifier, broker }) => ({
      ...{ id: member, name, identifier, broker, custodian: true, jwks: jwks(member) },
    })),
    groups: council.groups,
    /** Everybody's telephone lies on the table here: see `/sandbox/messages`. */
    sandbox: true,
  }
}

/** Serves the portal. Elsewhere it has an origin of its own, which no hospital runs. */
export async function servePortal(args: {
  origin: string
  network: ReturnType<typeof networkOf>
  /** Files of the messages that the hospitals would have sent. */
  messageFiles: readonly string[]
}): Promise<{ stop(): Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true })
  app.get('/network.json', async (_request, reply) =>
    reply.header('cache-control', 'no-cache').send(args.network),
  )
  // Only the sandbox shows what hospitals send to telephones; a real one has gateways, and nobody sees it but the patient.
  app.get('/sandbox/messages', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send(sentMessages(args.messageFiles)),
  )
  const connect = args.network.members.map(({ broker }) => broker)
  await servePages(app, { dir: PAGES, prefix: '/', connect })
  await app.listen({ host: '127.0.0.1', port: Number(new URL(args.origin).port) })
  return { stop: () => app.close() }
}
