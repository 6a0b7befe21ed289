import { type Kysely, sql } from 'kysely'

/** Signed checkpoints, this member's and the others', kept for whoever compares them later; see schema.ts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table checkpoints (
      member text not null, block bigint not null, digest text not null, jws text not null, jwk text not null,
      verdict text not null, at text not null, primary key (member, block, digest))`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
