import { readFileSync } from 'node:fs'
import { Server } from 'node:tls'
import { spkiPin } from '../outward/spki-pin.ts'
import type { BrokerConfig } from './config.ts'

export type BrokerTls = {
  /** What the broker's own server shows; absent where a proxy ends TLS. */
  served?: { cert: string; key: string }
  /** Of the certificate in use, and of the one that comes next. */
  pins: string[]
}

/** Reads certificates and key as they are in their files now. Throws where one cannot be read: then the broker does not start. */
export function readTls({ cert, key, nextCert }: NonNullable<BrokerConfig['tls']>): BrokerTls {
  const text = (file: string) => readFileSync(file, 'utf8')
  const pins = [cert, ...(nextCert ? [nextCert] : [])].map((file) => spkiPin(text(file)))
  return { ...(key ? { served: { cert: text(cert), key: text(key) } } : {}), pins: [...new Set(pins)] }
}

/** Connections that are open keep their key; new ones see the new one. */
export function showCertificate(server: unknown, served: BrokerTls['served']): void {
  if (served && server instanceof Server) server.setSecureContext(served)
}
