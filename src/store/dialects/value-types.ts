// One meaning for each column type, whichever database answers. PGlite hands an int8 out as number or bigint and
// bytea as Uint8Array; node-postgres hands int8 out as a string and bytea as Buffer. Code above must not care.

/** PostgreSQL's own type numbers (pg_type.oid), fixed since they were assigned. */
const oid = { bytea: 17, int8: 20, date: 1082 } as const

/** An int8 as a number. @throws RangeError where a double cannot hold it: a silently rounded id is worse. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} does not fit a JavaScript number`)
  return value
}

/** A bytea in the server's hex form (`\x…`) as a plain Uint8Array with a buffer of its own. */
function parseBytea(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw new TypeError('bytea_output must be hex')
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'))
}

/** Parsers by type number. A `date` stays its ten characters: a day has no time zone to be shifted by. */
export const valueParsers: Readonly<Record<number, (text: string) => unknown>> = {
  [oid.bytea]: parseBytea,
  [oid.int8]: parseInt8,
  [oid.date]: (text) => text,
}
