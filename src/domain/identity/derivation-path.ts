import { fromHex, type Hex } from '../hex.ts'

/** First level of every Wayleave path; hardened like all others. Chosen by us, unused in SLIP-44's list of coins at writing. */
const PURPOSE = 7823
/** The same for keys with which somebody helps somebody else. */
const HELPING = 7824

/**
 * The BIP-32 path of the child key that a patient uses at one custodian: `m/7823'/c0'/…/c8'/r'`.
 *
 * The 256-bit member id is cut, most significant bits first, into nine chunks (eight of 31 bits, the last of 8), each a
 * hardened level, so that the whole id enters the path and no two custodians can meet; `r` is the replacement number, 0
 * for the first key and one more after each recovery.
 *
 * @throws RangeError when the member id is not 32 bytes or the replacement number is outside 0 … 2^31 − 1.
 */
export function custodianPath(member: Hex, replacement = 0): string {
  return pathUnder(PURPOSE, member, replacement)
}

/**
 * The path of the key with which a person helps somebody else at one custodian: `m/7824'/c0'/…/c8'/n'`, `n` being another number
 * for each person helped. So neither the helper's own records nor two persons that one helper helps can be joined by a key (I8).
 *
 * @throws RangeError as {@link custodianPath} does.
 */
export function helperPath(member: Hex, number: number): string {
  return pathUnder(HELPING, member, number)
}

function pathUnder(purpose: number, member: Hex, last: number): string {
  const bytes = fromHex(member)
  if (bytes.length !== 32) throw new RangeError('A member id has 32 bytes')
  if (!Number.isInteger(last) || last < 0 || last > 0x7fffffff) {
    throw new RangeError('A number of a key lies between 0 and 2^31 - 1')
  }
  const bits = BigInt(member)
  const levels: bigint[] = []
  for (let i = 0; i < 8; i++) levels.push((bits >> BigInt(256 - 31 * (i + 1))) & 0x7fffffffn)
  levels.push(bits & 0xffn)
  return ['m', purpose, ...levels, last].map((level, i) => (i === 0 ? level : `${level}'`)).join('/')
}
