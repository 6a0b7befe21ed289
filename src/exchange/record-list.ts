import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { wayleaveError } from '../domain/errors.ts'
import type { Hex } from '../domain/hex.ts'
import { parseStrictJson } from '../domain/records/strict-json.ts'

const Code = Type.String({ minLength: 1, maxLength: 64 })

/** One registered version that a grantee may have: what the chain's pointer says to those who hold its compartment's key. */
const ListedRecord = Type.Object(
  {
    tag: Type.String({ pattern: '^0x[0-9a-f]{64}$' }),
    commitment: Type.String({ pattern: '^0x[0-9a-f]{64}$' }),
    /** 32 bytes, base64url. */
    salt: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    resourceType: Code,
    id: Code,
    versionId: Type.String({ minLength: 1, maxLength: 255 }),
    dataClass: Code,
    kinds: Type.Array(Code, { maxItems: 32 }),
    /** False where a newer version of it is registered. */
    current: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type ListedRecord = Static<typeof ListedRecord>

const RecordList = Type.Object({ records: Type.Array(ListedRecord, { maxItems: 20_000 }) })

/**
 * What a custodian signs when it lists: which request it answers (the DPoP proof's `jti`), which share, which bytes, when
 * (seconds).
 */
export type ListStatement = { fetch: string; reference: string; bytes: Hex; at: number }

/** @throws WayleaveError `response-invalid` */
export function readRecordList(bytes: Uint8Array): ListedRecord[] {
  const list = parse(bytes)
  if (Value.Check(RecordList, list)) return list.records
  throw wayleaveError('response-invalid', 'no list of records')
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes)
  } catch (cause) {
    throw wayleaveError('response-invalid', 'a list that is not JSON', cause)
  }
}

export const writeRecordList = (records: readonly ListedRecord[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ records }))
