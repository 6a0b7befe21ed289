import {
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import type { Asker } from '../../src/exchange/b2b.ts'
import type { Database } from '../../src/store/database.ts'
import { openBrokerTables } from '../../src/store/migrate.ts'
import { createReplayStore } from '../../src/store/replay.ts'
import { openFreshDatabase } from '../support/databases.ts'

export const NOW = Date.UTC(2026, 5, 15, 12)
export const SECONDS = NOW / 1_000

export const ASKER: Asker = {
  userId: 'dr-1',
  userName: 'Dr One',
  role: 'physician',
  organization: 'urn:oid:2.999.1|hospital-b',
  purpose: 'TREAT',
}

export type Signer = { key: CryptoKey; publicKey: CryptoKey; kid: string; jwk: JWK }

export async function createSigner(kid: string, alg = 'ES256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { key: privateKey, publicKey, kid, jwk }
}

export const jwksOf = (...signers: Signer[]): JSONWebKeySet => ({ keys: signers.map(({ jwk }) => jwk) })

/** A JWT with whatever is in it. */
export function signJwt(
  signer: Signer,
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: signer.kid, ...header }).sign(signer.key)
}

export const unsigned = (claims: JWTPayload): string => new UnsecuredJWT(claims).encode()

/** A replay store on a real database; each `fresh()` remembers nothing yet. */
export async function openReplay() {
  const database: Database = await openFreshDatabase()
  const db = await openBrokerTables(database.db)
  return {
    remember: createReplayStore({ db, clock: { now: () => NOW, monotonic: () => 0 } }),
    kept: () => db.selectFrom('replay').selectAll().execute(),
    forget: () => db.deleteFrom('replay').execute(),
    close: () => database.close(),
  }
}

/** The code with which something is refused. */
export async function refusal(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action()
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return 'accepted'
}

/** The token with one character of a part (0 header, 1 payload, 2 signature) changed. */
export function tampered(jwt: string, part: number): string {
  return jwt
    .split('.')
    .map((text, i) =>
      i === part ? `${text.slice(0, 5)}${text[5] === 'A' ? 'B' : 'A'}${text.slice(6)}` : text,
    )
    .join('.')
}
