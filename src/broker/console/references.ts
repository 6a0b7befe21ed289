import type { Kysely } from 'kysely'
import { wayleaveError } from '../../domain/errors.ts'
import type { Identifier } from '../../domain/identity/national-ids.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { openJson, sealJson, type Vault } from '../../store/vault.ts'

/** What a page may name without an identifier: a person, a consent, a request for access, an organisation. */
export type Named =
  | { kind: 'patient'; patientId: string }
  | { kind: 'person'; identifier: Identifier }
  | { kind: 'consent'; policy: string }
  | { kind: 'request'; task: string }
  | { kind: 'organisation'; identifier: Identifier }

export type References = {
  /** The same name for the same thing in one session, and another one in every other. */
  name(session: string, things: readonly Named[]): Promise<string[]>
  /** @throws WayleaveError `reference-unknown` */
  find(session: string, reference: unknown): Promise<Named>
}

const LENGTH = 16

/** Names for one session, so that no address that a browser keeps holds an identifier. They end with the session. */
export function createReferences({ db, vault }: { db: Kysely<BrokerTables>; vault: Vault }): References {
  return {
    async name(session, things) {
      const named = things.map((thing) => ({
        session,
        reference: vault
          .lookup('console-reference', JSON.stringify([session, thing]))
          .replace(/[^A-Za-z0-9]/g, '')
          .slice(0, LENGTH),
        sealed: sealJson(vault.storeKey, thing),
      }))
      if (named.length > 0)
        await db
          .insertInto('console_references')
          .values([...new Map(named.map((row) => [row.reference, row])).values()])
          .onConflict((oc) => oc.doNothing())
          .execute()
      return named.map(({ reference }) => reference)
    },

    async find(session, reference) {
      const row =
        typeof reference === 'string'
          ? await db
              .selectFrom('console_references')
              .select('sealed')
              .where('session', '=', session)
              .where('reference', '=', reference.slice(0, LENGTH))
              .executeTakeFirst()
          : undefined
      if (!row) throw wayleaveError('reference-unknown')
      return openJson<Named>(vault.storeKey, row.sealed)
    },
  }
}
