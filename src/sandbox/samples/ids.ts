import { createHash } from 'node:crypto'

/**
 * The logical id that a hospital gives to something which others have, too (a person, a practitioner): a UUID
 * (RFC 9562, version 8) made from both, so that loading twice changes nothing and ids join no hospitals.
 */
export function hospitalId(hospitalKey: string, what: string): string {
  const bytes = createHash('sha256').update(`wayleave sample\n${hospitalKey}\n${what}`).digest()
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}
