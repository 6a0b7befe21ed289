import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type CertifiedKey, certify, makeAuthority } from './certificates.ts'

/** Where one server's certificate and key lie, and the CA that certified it. PEM files. */
export type TlsFiles = { cert: string; key: string; ca: string }

/** Opens what each hospital needs for TLS, making on the first start what is missing: one CA for all, a key for each. */
export async function openTlsFiles(
  root: string,
  hospitals: readonly { dir: string; hospital: { name: string } }[],
): Promise<TlsFiles[]> {
  const dir = join(root, 'tls')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const authority = await keep(dir, 'ca', () => makeAuthority('Wayleave sandbox'))
  const files: TlsFiles[] = []
  for (const { dir, hospital } of hospitals) {
    await keep(dir, 'tls', () => certify(authority, hospital.name))
    files.push({ cert: join(dir, 'tls.pem'), key: join(dir, 'tls-key.pem'), ca: join(root, 'tls', 'ca.pem') })
  }
  return files
}

async function keep(dir: string, name: string, make: () => Promise<CertifiedKey>): Promise<CertifiedKey> {
  const [certFile, keyFile] = [join(dir, `${name}.pem`), join(dir, `${name}-key.pem`)]
  // The certificate is written last: with it, both are there.
  if (!existsSync(certFile)) {
    const { cert, key } = await make()
    writeFileSync(keyFile, key, { mode: 0o600 })
    writeFileSync(certFile, cert)
  }
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

/** From now on this process believes the CA whose certificate lies in this file, beside those that it believes anyway. */
export function trustAuthority(file: string): void {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
}
