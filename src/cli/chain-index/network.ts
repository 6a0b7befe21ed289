import { createIndexQueries } from '../../indexer/index.ts'
import type { OpenedIndex } from './open-index.ts'
import type { Output } from './output.ts'

/** A member's bit for keeping records, as MemberTypes.sol numbers it. */
const CUSTODIAN = 1

/**
 * Prints the `network.json` of a portal: where the contracts are, and every live member as it has published itself.
 * @returns the exit code
 */
export async function networkForPortal({ database, index, config }: OpenedIndex, { out, err }: Output) {
  try {
    const queries = createIndexQueries(index)
    const members = []
    for (const id of await queries.members()) {
      const [{ status, roles }, profile] = [await queries.memberRecord(id), await queries.profile(id)]
      if (status !== 'live') continue
      if (!profile) {
        await err(`${id} has published nothing that can be believed, and is left out.\n`)
        continue
      }
      const { name, identifier, endpoint, jwks } = profile
      members.push({ id, name, identifier, broker: endpoint, custodian: (roles & CUSTODIAN) !== 0, jwks })
    }
    const { chainId, contracts, predecessors = {} } = config.chain
    const { consentRegistry, patientRegistry } = contracts
    const before = Object.fromEntries(
      Object.entries({
        consentRegistry: predecessors.consentRegistry,
        patientRegistry: predecessors.patientRegistry,
      }).filter(([, list]) => list?.length),
    )
    const chain = {
      ...{ chainId, consentRegistry, patientRegistry },
      ...(Object.keys(before).length > 0 ? { predecessors: before } : {}),
    }
    await out(`${JSON.stringify({ chain, members, groups: config.groups }, null, 2)}\n`)
    return 0
  } finally {
    await database.close()
  }
}
