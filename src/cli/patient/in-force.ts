import { JsonRpcProvider } from 'ethers'
import type { JWK } from 'jose'
import {
  ConsentRegistry__factory,
  MemberRegistry__factory,
  PatientRegistry__factory,
} from '../../chain/contracts.ts'
import { type ConsentWord, readConsentWord, readHandleWord } from '../../domain/consent/consent-word.ts'
import type { SignedAct } from '../../domain/consent/read-signed-act.ts'
import { readRights } from '../../domain/consent/rights.ts'
import {
  type Standing,
  standingOfAll,
  standingOfDelegation,
  standingOfHandle,
  standingOfSlot,
} from '../../domain/consent/standing.ts'
import { type ActMessages, scopeHash } from '../../domain/consent/typed-data.ts'
import type { Hex } from '../../domain/hex.ts'
import { pause } from '../../patient/broker-connection.ts'
import type { SandboxFile } from '../../sandbox/sandbox-file.ts'

/** The chain as the patient reads it, on whatever node there is, without asking the custodian. */
export type ChainView = {
  /** Looks until the act stands or is beaten, for at most `within` milliseconds. A silent node counts as "not yet". */
  standingOf(signed: SignedAct, within: number): Promise<Standing>
  /** The JWK Set that a member published last. @throws Error when it published none. */
  keysOf(member: Hex): Promise<{ keys: JWK[] }>
  close(): void
}

const PAUSE = 200

export function createChainView({ rpc, chainId, contracts, deployedAt }: SandboxFile['chain']): ChainView {
  const provider = new JsonRpcProvider(rpc, chainId, { staticNetwork: true, cacheTimeout: -1 })
  const consents = ConsentRegistry__factory.connect(contracts.consentRegistry, provider)
  const patients = PatientRegistry__factory.connect(contracts.patientRegistry, provider)
  const members = MemberRegistry__factory.connect(contracts.memberRegistry, provider)

  async function look({ typedData: { primaryType, message } }: SignedAct): Promise<Standing> {
    const m = message as Partial<ActMessages['Grant']> & { handle: Hex }
    if (primaryType === 'RevocationList') {
      const { items } = message as ActMessages['RevocationList']
      const words = await Promise.all(
        items.map(async ({ scope }) => readConsentWord(await consents.wordOf(m.handle, scopeHash(scope)))),
      )
      const one = (word: ConsentWord, i: number) =>
        standingOfSlot('Revocation', { ...items[i], handle: m.handle } as ActMessages['Revocation'], word)
      return standingOfAll(words.map(one))
    }
    if (primaryType === 'Delegation' || primaryType === 'DelegationEnd') {
      const { delegate } = message as ActMessages['DelegationEnd']
      const { version } = readRights(await patients.lastRightsOf(m.handle, delegate))
      const { rights } = await patients.rightsOf(m.handle, delegate)
      return standingOfDelegation(primaryType, message, {
        ...{ version, held: readRights(rights).kind === 'delegate' },
      })
    }
    if (m.scope) {
      const word = readConsentWord(await consents.wordOf(m.handle, scopeHash(m.scope)))
      return standingOfSlot(primaryType, message, word)
    }
    const { word } = await patients.handleState(m.handle)
    const read = readHandleWord(word)
    // One that came to its end meanwhile was vetoed too late, and the state says so.
    if (primaryType === 'RecoveryVeto')
      return read.recovery === 2 ? 'in force' : read.recovery === 1 ? 'not yet' : 'beaten'
    return standingOfHandle(primaryType, message, read)
  }

  return {
    async standingOf(signed, within) {
      const late = new AbortController()
      const over = setTimeout(() => late.abort(), within)
      const silence = new Promise<Standing>((done) => {
        late.signal.addEventListener('abort', () => done('not yet'))
      })
      try {
        for (;;) {
          const standing = await Promise.race([look(signed).catch(() => 'not yet' as const), silence])
          if (standing !== 'not yet' || late.signal.aborted) return standing
          await pause(PAUSE)
        }
      } finally {
        clearTimeout(over)
      }
    },

    async keysOf(member) {
      const published = await members.queryFilter(members.filters.ProfileSet(member), deployedAt)
      const newest = published.at(-1)
      if (!newest) throw new Error('That hospital has published no key to seal to.')
      return (JSON.parse(newest.args.profile) as { jwks: { keys: JWK[] } }).jwks
    },

    close: () => provider.destroy(),
  }
}
