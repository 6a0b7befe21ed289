import canonicalize from 'canonicalize'
import { CompactSign, compactVerify, type JSONWebKeySet } from 'jose'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { keySetOf } from './key-set.ts'
import type { SearchStatement } from './live-search.ts'
import type { ListStatement } from './record-list.ts'

/** What a custodian signs when it registers a version: that this commitment is its own, in this directory. */
export type RecordStatement = { chainId: number; directory: Hex; custodian: Hex; commitment: Hex }

/**
 * What a custodian signs when it answers: which fetch this answers (the DPoP proof's `jti`), which entry, which bytes,
 * when (seconds). An answer to one fetch is none to another.
 */
export type ResponseStatement = { fetch: string; tag: Hex; commitment: Hex; bytes: Hex; at: number }

/** The same for one of a record's contents, by its number from 0; `bytes` is the SHA-256 of all of it. */
export type ContentStatement = ResponseStatement & { content: number }

type Statement = RecordStatement | ResponseStatement | ContentStatement | ListStatement | SearchStatement

const encode = (statement: Statement) => {
  const text = canonicalize(statement)
  if (text === undefined) throw new TypeError('A statement has a canonical form')
  return new TextEncoder().encode(text)
}

async function sign(key: CryptoKey, kid: string, typ: string, statement: Statement): Promise<string> {
  const jws = await new CompactSign(encode(statement))
    .setProtectedHeader({ alg: 'ES256', kid, typ })
    .sign(key)
  const [header, , signature] = jws.split('.')
  return `${header}..${signature}`
}

async function verify(jwks: JSONWebKeySet, typ: string, detached: string, statement: Statement) {
  const [header, empty, signature, ...more] = detached.split('.')
  if (empty !== '' || more.length > 0) throw wayleaveError('signature-invalid', 'not a detached JWS')
  try {
    // In here, too: what a peer says of its answer may be something that no signature covers, a time of NaN for example.
    const payload = Buffer.from(encode(statement)).toString('base64url')
    const jws = `${header}.${payload}.${signature}`
    const { protectedHeader } = await compactVerify(jws, keySetOf(jwks), { algorithms: ['ES256'] })
    if (protectedHeader.typ !== typ) throw new Error('a signature over something else')
  } catch (cause) {
    throw wayleaveError('signature-invalid', String(cause), cause)
  }
}

const RECORD = 'wayleave-record+jws'
const RESPONSE = 'wayleave-response+jws'
const LIST = 'wayleave-list+jws'
const CONTENT = 'wayleave-content+jws'
const SEARCH = 'wayleave-search+jws'

/** Detached JWS (RFC 7515, Appendix F) over the RFC 8785 form of the statement. */
export const signRecord = (key: CryptoKey, kid: string, statement: RecordStatement) =>
  sign(key, kid, RECORD, statement)

/** @throws WayleaveError `signature-invalid`. */
export const verifyRecord = (jwks: JSONWebKeySet, jws: string, statement: RecordStatement) =>
  verify(jwks, RECORD, jws, statement)

export const signResponse = (key: CryptoKey, kid: string, statement: ResponseStatement) =>
  sign(key, kid, RESPONSE, statement)

/** @throws WayleaveError `signature-invalid`. */
export const verifyResponse = (jwks: JSONWebKeySet, jws: string, statement: ResponseStatement) =>
  verify(jwks, RESPONSE, jws, statement)

export const signList = (key: CryptoKey, kid: string, statement: ListStatement) =>
  sign(key, kid, LIST, statement)

/** @throws WayleaveError `signature-invalid`. */
export const verifyList = (jwks: JSONWebKeySet, jws: string, statement: ListStatement) =>
  verify(jwks, LIST, jws, statement)

export const signContent = (key: CryptoKey, kid: string, statement: ContentStatement) =>
  sign(key, kid, CONTENT, statement)

/** @throws WayleaveError `signature-invalid`. */
export const verifyContent = (jwks: JSONWebKeySet, jws: string, statement: ContentStatement) =>
  verify(jwks, CONTENT, jws, statement)

export const signSearch = (key: CryptoKey, kid: string, statement: SearchStatement) =>
  sign(key, kid, SEARCH, statement)

/** @throws WayleaveError `signature-invalid`. */
export const verifySearch = (jwks: JSONWebKeySet, jws: string, statement: SearchStatement) =>
  verify(jwks, SEARCH, jws, statement)
