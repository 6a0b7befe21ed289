import { randomUUID } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import type { Kysely, Selectable } from 'kysely'
import type { Clock } from '../../domain/clock.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { BrokerConfig } from '../config.ts'
import { createClientKeys } from './client-keys.ts'
import type { ClientMetadata } from './client-metadata.ts'

type Db = Kysely<BrokerTables>

/** A program that may call the broker. Those of the configuration are `fixed`: they are changed there only. */
export type Client = ClientMetadata & { clientId: string; fixed: boolean; issuedAt: string | undefined }

export type Clients = {
  /** From the database each time, so that what one replica removed is gone at all. */
  find(clientId: string): Promise<Client | undefined>
  keysOf(clientId: string, kid?: string): Promise<JSONWebKeySet | undefined>
  list(): Promise<Client[]>
  register(db: Db, metadata: ClientMetadata, by: string): Promise<Client>
  /** @throws WayleaveError `client-unknown`, or `client-fixed` for one of the configuration. */
  replace(db: Db, clientId: string, metadata: ClientMetadata): Promise<Client>
  /** Its tokens end with it. Its id is never given again. Throws as `replace` does. */
  remove(db: Db, clientId: string): Promise<Client>
}

export function createClients(deps: {
  db: Db
  clock: Clock
  configured: BrokerConfig['clients']
  fetchKeys: (uri: string) => Promise<JSONWebKeySet | undefined>
}): Clients {
  const { clock } = deps
  const now = () => new Date(clock.now()).toISOString()
  const published = createClientKeys({ clock, fetch: deps.fetchKeys })
  const fixed = new Map(
    deps.configured.map(({ clientId, name, scopes, jwks }): [string, Client] => [
      clientId,
      { clientId, name, scopes, keys: { jwks: jwks as JSONWebKeySet }, fixed: true, issuedAt: undefined },
    ]),
  )

  async function find(clientId: string, db: Db = deps.db): Promise<Client | undefined> {
    const known = fixed.get(clientId)
    if (known) return known
    const row = await db
      .selectFrom('clients')
      .selectAll()
      .where('client_id', '=', clientId)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    return row && read(row)
  }

  async function changeable(db: Db, clientId: string): Promise<Client> {
    const client = await find(clientId, db)
    if (!client) throw wayleaveError('client-unknown')
    if (client.fixed) throw wayleaveError('client-fixed')
    return client
  }

  return {
    find: (clientId) => find(clientId),

    async keysOf(clientId, kid) {
      const keys = (await find(clientId))?.keys
      if (!keys) return undefined
      return 'jwks' in keys ? keys.jwks : published(keys.jwksUri, kid)
    },

    async list() {
      const rows = await deps.db
        .selectFrom('clients')
        .selectAll()
        .where('removed_at', 'is', null)
        .orderBy('created_at')
        .orderBy('client_id')
        .execute()
      return [...fixed.values(), ...rows.map(read)]
    },

    async register(db, metadata, by) {
      const row = { client_id: `client-${randomUUID()}`, ...columns(metadata), registered_by: by }
      const stored = await db
        .insertInto('clients')
        .values({ ...row, created_at: now(), removed_at: null })
        .returningAll()
        .executeTakeFirstOrThrow()
      return read(stored)
    },

    async replace(db, clientId, metadata) {
      await changeable(db, clientId)
      const row = await db
        .updateTable('clients')
        .set(columns(metadata))
        .where('client_id', '=', clientId)
        .where('removed_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      if (!row) throw wayleaveError('client-unknown')
      return read(row)
    },

    async remove(db, clientId) {
      const client = await changeable(db, clientId)
      await db.updateTable('clients').set({ removed_at: now() }).where('client_id', '=', clientId).execute()
      return client
    },
  }
}

const columns = ({ name, scopes, keys }: ClientMetadata) => ({
  name,
  scopes: JSON.stringify(scopes),
  jwks: 'jwks' in keys ? JSON.stringify(keys.jwks) : null,
  jwks_uri: 'jwksUri' in keys ? keys.jwksUri : null,
})

function read(row: Selectable<BrokerTables['clients']>): Client {
  const keys =
    row.jwks === null ? { jwksUri: row.jwks_uri ?? '' } : { jwks: JSON.parse(row.jwks) as JSONWebKeySet }
  return {
    clientId: row.client_id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as string[],
    keys,
    fixed: false,
    issuedAt: row.created_at,
  }
}
