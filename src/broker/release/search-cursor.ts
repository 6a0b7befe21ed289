import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'
import type { ListAsk } from './list-records.ts'

/** Who may ask for a page: behind which share, for whom and for what. */
type Bound = { reference: string; requester: Hex; purpose: string; user: string }

/** Where a page begins: the FHIR server's own page, and what of it went out already. */
export type Cursor = Bound & { url: string; after?: string; type: string; size: number }

/** How long a page may be asked for after the one before it. Milliseconds. */
const LIFETIME = 600_000

export const boundTo = ({ reference, requester, asker }: ListAsk): Bound => ({
  ...{ reference, requester },
  ...{ purpose: asker.purpose, user: asker.userId },
})

/** Names of pages that tell nothing, and are good for nobody else, for nothing else, and not for ever. */
export function createCursors({ vault, clock }: { vault: Pick<Vault, 'storeKey'>; clock: Clock }) {
  return {
    seal(searchPage: Cursor): string {
      const until = clock.now() + LIFETIME
      return Buffer.from(sealJson(vault.storeKey, { searchPage, until })).toString('base64url')
    },

    /** Undefined for whatever is no page for these. */
    open(name: string, bound: Bound): Cursor | undefined {
      let opened: { searchPage?: Cursor; until?: number }
      try {
        opened = openJson(vault.storeKey, Buffer.from(name, 'base64url'))
      } catch {
        return undefined
      }
      const { searchPage: page, until = 0 } = opened
      if (!page || until < clock.now()) return undefined
      const { reference, requester, purpose, user } = bound
      const isTheirs = page.reference === reference && page.requester === requester
      return isTheirs && page.purpose === purpose && page.user === user ? page : undefined
    },
  }
}
