/**
 * An AuditEvent as a syslog message (RFC 5424). PRI as IHE ITI-20 asks: facility 10, severity 5, or 4 for what failed. The
 * MSG is the FHIR resource in JSON after a BOM; ITI-20's own syslog form has DICOM XML there, which this is not, and the
 * MSGID says so.
 */
import type { AuditEvent } from 'fhir/r4.js'

const FACILITY = 10
const NOTICE = 5
const WARNING = 4
const BOM = Buffer.from([0xef, 0xbb, 0xbf])
/** RFC 5424 §7.3.1: it starts again with 1 behind this. */
const MOST_SEQUENCE = 2_147_483_647

const MSGID = 'FHIR-R4+AuditEvent'

export type SyslogOrigin = { hostname: string; procid: string; version: string }

/** @param place its number in the trail: `meta sequenceId`, so that a receiver sees what is missing */
export function syslogMessage(event: AuditEvent, place: number, origin: SyslogOrigin): Buffer {
  const severity = event.outcome === '0' ? NOTICE : WARNING
  const sequence = ((place - 1) % MOST_SEQUENCE) + 1
  const header = [
    `<${FACILITY * 8 + severity}>1`,
    event.recorded,
    printable(origin.hostname, 255),
    'wayleave',
    printable(origin.procid, 128),
    MSGID,
    `[meta sequenceId="${sequence}"][origin software="Wayleave" swVersion="${printable(origin.version, 32)}"]`,
  ].join(' ')
  return Buffer.concat([Buffer.from(`${header} `), BOM, Buffer.from(JSON.stringify(event))])
}

/** Octet counting: RFC 5425 §4.3 over TLS, RFC 6587 §3.4.1 over TCP. */
export const framed = (message: Buffer): Buffer => Buffer.concat([Buffer.from(`${message.length} `), message])

/** PRINTUSASCII without what ends a value; "-" stands for nothing (RFC 5424 §6). */
const printable = (text: string, most: number): string =>
  text.replace(/[^\x21-\x7e]|["\]\\]/g, '').slice(0, most) || '-'
