import canonicalize from 'canonicalize'
import type { Provenance, Signature } from 'fhir/r4.js'
import { PURPOSE_SYSTEM } from '../domain/consent/purposes.ts'
import type { Hex } from '../domain/hex.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'

type Party = { name: string; identifier?: Identifier }

/** A detached JWS, and the statement whose RFC 8785 form it is over. */
export type Signed = { jws: string; statement: object }

/** The salted commitment on the chain that a version was held against. */
const COMMITMENT_SYSTEM = 'https://wayleave.example/fhir/NamingSystem/sha256-commitment'

const PARTICIPANT = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type'
const LIFECYCLE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle'
/** ASTM E1762: of where something comes from. */
const SOURCE_SIGNATURE = {
  system: 'urn:iso-astm:E1762-95:2013',
  code: '1.2.840.10065.1.12.1.14',
  display: 'Source Signature',
}

/**
 * Where something came from that another member's broker handed out: R4 Provenance with the custodian's signatures
 * (`application/jose`, RFC 7515, payload attached), each of which anybody can check with the keys in its profile.
 * @param targets what it is about, as references
 * @param sources the registered versions that came, by type and commitment
 * @param at when the custodian answered, in seconds
 */
export function buildProvenance(args: {
  id: string
  targets: string[]
  recorded: string
  at: number
  custodian: Party
  /** Who verified it; absent where the custodian itself says it. */
  verifier?: Party
  purpose: string
  sources: { resourceType?: string; commitment: Hex }[]
  signatures: Signed[]
}): Provenance {
  const { id, targets, recorded, custodian, verifier, purpose, sources } = args
  const when = new Date(args.at * 1000).toISOString()
  return {
    resourceType: 'Provenance',
    id,
    target: targets.map((reference) => ({ reference })),
    occurredDateTime: when,
    recorded,
    reason: [{ coding: [{ system: PURPOSE_SYSTEM, code: purpose }] }],
    activity: {
      coding: [{ system: LIFECYCLE, code: 'disclose', display: 'Disclose Record Lifecycle Event' }],
    },
    agent: [agent('custodian', custodian), ...(verifier ? [agent('verifier', verifier)] : [])],
    ...(sources.length > 0
      ? {
          entity: sources.map(({ resourceType, commitment }) => ({
            role: 'source' as const,
            what: {
              ...(resourceType ? { type: resourceType } : {}),
              identifier: { system: COMMITMENT_SYSTEM, value: commitment.slice(2) },
            },
          })),
        }
      : {}),
    ...(args.signatures.length > 0
      ? { signature: args.signatures.map((signed) => signature(signed, when, custodian)) }
      : {}),
  }
}

const organisation = ({ name, identifier }: Party) => ({
  type: 'Organization',
  ...(identifier ? { identifier: { ...identifier } } : {}),
  display: name,
})

const agent = (code: 'custodian' | 'verifier', party: Party) => ({
  type: { coding: [{ system: PARTICIPANT, code }] },
  who: organisation(party),
})

const signature = ({ jws, statement }: Signed, when: string, who: Party): Signature => {
  const [header, , signed] = jws.split('.')
  const payload = Buffer.from(canonicalize(statement) ?? '').toString('base64url')
  return {
    type: [{ ...SOURCE_SIGNATURE }],
    when,
    who: organisation(who),
    sigFormat: 'application/jose',
    data: Buffer.from(`${header}.${payload}.${signed}`).toString('base64'),
  }
}
