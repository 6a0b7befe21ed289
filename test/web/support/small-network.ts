import { ensurePages } from '../../../scripts/pages.ts'
import { servePortal } from '../../../src/sandbox/portal.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import { publicJwks } from '../../../src/store/keyring.ts'
import { createWorld, type World, type WorldOptions } from '../../support/world.ts'

/** Two hospitals with a chain of their own in this process, and the portal in front of them. */
export type SmallNetwork = World & { portal: string }

/** The pages are those of the present sources; they are built where they are not. */
export async function openSmallNetwork(options: WorldOptions = {}): Promise<SmallNetwork> {
  await ensurePages()
  const portal = `http://localhost:${await freePort()}`
  const world = await createWorld({
    ...options,
    configure: (config) => ({ ...config, portalOrigins: [portal] }),
  })
  const { chainId, contracts } = world.chain
  const { consentRegistry, patientRegistry } = contracts
  const served = await servePortal({
    origin: portal,
    network: {
      chain: { chainId, consentRegistry, patientRegistry },
      members: world.hospitals.map(({ member, config, files }) => ({
        ...{ id: member, name: config.name, identifier: config.identifier, custodian: true },
        broker: config.publicBase ?? `http://127.0.0.1:${config.port}`,
        jwks: publicJwks(files.keyring),
      })),
      groups: [],
      sandbox: true,
    },
    messageFiles: [],
  })
  return {
    ...world,
    portal,
    async close() {
      await served.stop()
      await world.close()
    },
  }
}
