/** A Consent body by its hash: all that a patient's device needs of it. What it says, `consent-body.ts` knows. */
import { sha256 } from '@noble/hashes/sha2.js'
import canonicalize from 'canonicalize'
import { type Hex, toHex } from '../hex.ts'
import type { JsonObject } from './fhir/read.ts'

/** A Consent as it is signed: without what names the patient or says when it was written; see `fhir/slot-body.ts`. */
export type ConsentBody = JsonObject

/** The longest canonical form that is taken, in UTF-16 units. */
export const MAX_BODY_LENGTH = 16_384

/** SHA-256 over the RFC 8785 form. The terms around it are salted, so that it tells nobody anything by itself. */
export function bodyHash(body: ConsentBody): Hex {
  return toHex(sha256(new TextEncoder().encode(canonicalize(body))))
}
