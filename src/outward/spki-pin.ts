import { createHash, X509Certificate } from 'node:crypto'

/** SHA-256 of a certificate's SubjectPublicKeyInfo, base64url: what RFC 7469 §2.4 pins. It outlives the certificate. */
export function spkiPin(certificate: X509Certificate | string): string {
  const { publicKey } = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
}
