import type { Signer } from 'ethers'
import { type Contracts, MemberRegistry__factory } from '../chain/contracts.ts'
import type { Hex } from '../domain/hex.ts'

/** Role bits of the MemberRegistry: custodian, requester, registrar, relayer, auditor. */
export const ALL_ROLES = 1 | 2 | 4 | 8 | 16

/** The sandbox's council: one key that may do at once what the real one does together and after a delay. */
export function councilOf(signer: Signer, contracts: Contracts) {
  const registry = MemberRegistry__factory.connect(contracts.memberRegistry, signer)
  const free = { maxFeePerGas: 0, maxPriorityFeePerGas: 0 }
  const mined = async (sent: Promise<{ wait(): Promise<unknown> }>) => {
    await (await sent).wait()
  }
  return {
    admit: (member: Hex, roles: number, operator: string, profile: string) =>
      mined(registry.admit(member, roles, operator, profile, free)),
    suspend: (member: Hex) => mined(registry.suspend(member, free)),
    reinstate: (member: Hex) => mined(registry.reinstate(member, free)),
    remove: (member: Hex) => mined(registry.remove(member, free)),
    joinGroup: (group: Hex, member: Hex) => mined(registry.joinGroup(group, member, free)),
    leaveGroup: (group: Hex, member: Hex) => mined(registry.leaveGroup(group, member, free)),
    isAdmitted: async (member: Hex) => (await registry.memberState(member)).status !== 0n,
  }
}
