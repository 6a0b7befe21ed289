import { readFileSync } from 'node:fs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { buildAuditEvent } from '../../../domain/audit/audit-event.ts'
import type { AuditSink } from './deliver-trail.ts'
import { framed, syslogMessage } from './syslog-message.ts'

export type SyslogConfig = {
  host: string
  port: number
  transport: 'tls' | 'tcp'
  /** PEM files: the CAs that the collector's certificate must descend from, and this broker's own for mutual TLS. */
  ca?: string
  cert?: string
  key?: string
  /** TCP without TLS to another machine: patients' data in the clear. */
  plainTcp?: boolean
}

/** How long a collector may take over one batch, from the connection to its own end of it. Milliseconds. */
const WITHIN = 10_000
const TURNED_AWAY_WITHIN = 50

/**
 * Sends lines to a syslog collector. Syslog has no acknowledgement, so each batch has a connection of its own, which counts as
 * taken when the collector, having seen its end, has ended it, too: then it has read all of it. Otherwise all is sent again. A
 * balancer that ends connections in the collector's place can still lose a batch, which shows as a gap in the numbers.
 * @throws Error where the configuration would send patients' data in the clear to another machine
 */
export function createSyslogSink(config: SyslogConfig, version: string): AuditSink {
  const { host, port, transport, plainTcp = false } = config
  const isHere = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (transport === 'tcp' && !isHere && !plainTcp)
    throw new Error('audit.syslog: TCP to another machine carries patients’ data in the clear; use TLS')
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file))
  const origin = { hostname: hostname(), procid: String(process.pid), version }

  function open(): Socket {
    if (transport === 'tcp') return connectTcp({ host, port })
    return connectTls({
      ...{ host, port, minVersion: 'TLSv1.2' },
      // Read each time: certificates change while a broker runs.
      ...{ ca: read(config.ca), cert: read(config.cert), key: read(config.key) },
      ...(isIP(host) ? {} : { servername: host }),
    })
  }

  return {
    name: 'syslog',
    most: 100,
    write: (lines) => {
      const messages = lines.map(({ entry, place }) => syslogMessage(buildAuditEvent(entry), place, origin))
      return sent(
        open(),
        transport === 'tls' ? 'secureConnect' : 'connect',
        Buffer.concat(messages.map(framed)),
      )
    },
  }
}

function sent(socket: Socket, opened: 'connect' | 'secureConnect', bytes: Buffer): Promise<void> {
  return new Promise((done, fail) => {
    let isWritten = false
    const timer = setTimeout(() => socket.destroy(new Error('the collector took too long')), WITHIN)
    socket.on('error', fail)
    socket.on('close', () => {
      clearTimeout(timer)
      if (isWritten) done()
      else fail(new Error('the collector closed before it had everything'))
    })
    socket.on('finish', () => {
      isWritten = socket.readable
    })
    // Whoever turns connections away does so at once, and has read nothing.
    socket.once(opened, () => setTimeout(() => !socket.destroyed && socket.end(bytes), TURNED_AWAY_WITHIN))
    socket.on('end', () => {
      if (!isWritten) socket.destroy()
    })
    socket.resume()
  })
}
