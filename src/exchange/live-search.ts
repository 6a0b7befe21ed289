import type { Bundle, Provenance, Resource } from 'fhir/r4.js'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength })

const SearchRequest = Type.Union([
  Type.Object(
    {
      type: Type.String({ pattern: '^[A-Z][A-Za-z]{2,40}$' }),
      parameters: Type.Array(Type.Tuple([Text(64), Text(512)]), { maxItems: 32 }),
    },
    { additionalProperties: false },
  ),
  /** A page that an earlier answer named. */
  Type.Object({ page: Text(4_096) }, { additionalProperties: false }),
])

/** What one broker asks another to search for, among the records of the patient behind a share. */
export type SearchRequest = Static<typeof SearchRequest>

/** What verifies a resource of a page against the chain, where that version is registered. */
const Registered = Type.Object(
  {
    /** `Type/id` */
    reference: Text(128),
    tag: Type.String({ pattern: '^0x[0-9a-f]{64}$' }),
    /** 32 bytes, base64url. */
    salt: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    /** See writeContents. */
    contents: Type.String({ maxLength: 65_536 }),
  },
  { additionalProperties: false },
)
export type Registered = Static<typeof Registered>

const Page = Type.Object({
  bundle: Type.Object({ resourceType: Type.Literal('Bundle'), type: Type.Literal('searchset') }),
  registered: Type.Array(Registered, { maxItems: 1_000 }),
  provenance: Type.Optional(Type.Object({ resourceType: Type.Literal('Provenance') })),
  next: Type.Optional(Text(4_096)),
})

/** One page: what was released, what of it is on the chain, where it comes from, and the name of the next page. */
export type LivePage = {
  bundle: Bundle<Resource>
  registered: Registered[]
  /** Absent of an empty page. */
  provenance?: Provenance
  next?: string
}

/**
 * What a custodian signs when it answers a search: which request it answers (the DPoP proof's `jti`), behind which share,
 * what was asked (SHA-256 of the body), which bytes, when (seconds).
 */
export type SearchStatement = { fetch: string; reference: string; asked: Hex; bytes: Hex; at: number }

/** @throws WayleaveError `request-invalid` */
export function readSearchRequest(body: unknown): SearchRequest {
  if (Value.Check(SearchRequest, body)) return body
  throw wayleaveError('request-invalid', 'no search')
}

/** @throws WayleaveError `response-invalid` */
export function readLivePage(bytes: Uint8Array): LivePage {
  let page: unknown
  try {
    page = parseStrictJson(bytes, { maxDepth: 128 })
  } catch (cause) {
    throw wayleaveError('response-invalid', 'a page that is not JSON', cause)
  }
  if (!Value.Check(Page, page)) throw wayleaveError('response-invalid', 'no page')
  return page as unknown as LivePage
}
