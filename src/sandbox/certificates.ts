import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key, both PEM. */
export type CertifiedKey = { cert: string; key: string }

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 86_400_000
/** Lived through by no sandbox. */
const LIFETIME = 3_650 * DAY

/** A certificate authority of one's own, for the sandbox and for tests. */
export async function makeAuthority(name: string): Promise<CertifiedKey> {
  const keys = await crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: serial(), name: `CN=${name}`, ...period(), signingAlgorithm: ECDSA, keys },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pem(cert), key: await privatePem(keys.privateKey) }
}

/** A server's certificate for 127.0.0.1 and localhost, with a key of its own. */
export async function certify(authority: CertifiedKey, name: string): Promise<CertifiedKey> {
  const keys = await crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
  const issuer = new x509.X509Certificate(authority.cert)
  const cert = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: serial(), subject: `CN=${name}`, issuer: issuer.subject, ...period() },
    ...{ publicKey: keys.publicKey, signingKey: await privateKey(authority.key), signingAlgorithm: ECDSA },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'ip', value: '127.0.0.1' },
        { type: 'dns', value: 'localhost' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return { cert: pem(cert), key: await privatePem(keys.privateKey) }
}

/** A clock that is a little behind must not find it too young. */
const period = () => ({ notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + LIFETIME) })
/** Positive, as RFC 5280 §4.1.2.2 wants it. */
const serial = () => `01${randomBytes(15).toString('hex')}`
const pem = (cert: x509.X509Certificate) => `${cert.toString('pem')}\n`

async function privatePem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

function privateKey(text: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(text), ECDSA, false, ['sign'])
}
