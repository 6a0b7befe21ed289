import { readFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import type { ContactSender } from './contact-sender.ts'

export type SmtpSettings = {
  host: string
  port: number
  /** TLS from the first byte (RFC 8314), or STARTTLS without which nothing is sent (RFC 3207). Never neither. */
  security: 'tls' | 'starttls'
  user?: string
  /** File of the password, so that it stands in no configuration, argument or variable. */
  passwordFile?: string
  /** RFC 5322 mailbox that messages come from. */
  from: string
  /** PEM file of the CAs of which the server's certificate descends; absent: those of the system. */
  ca?: string
}

const WITHIN = 10_000

/**
 * E-mail by the hospital's own mail server (RFC 5321), through nodemailer.
 * @throws Error where a file cannot be read: the start ends with it
 */
export function createSmtpSender(settings: SmtpSettings): ContactSender {
  const { host, port, security, user, passwordFile, from, ca } = settings
  const transport = createTransport({
    ...{ host, port, pool: true, maxConnections: 2 },
    secure: security === 'tls',
    requireTLS: true,
    ...(user && passwordFile
      ? { auth: { user, pass: readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '') } }
      : {}),
    tls: { minVersion: 'TLSv1.2', ...(ca ? { ca: readFileSync(ca, 'utf8') } : {}) },
    ...{ connectionTimeout: WITHIN, greetingTimeout: WITHIN, socketTimeout: WITHIN },
    // Nothing of a message is ever fetched from somewhere.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  const domain = /@([^\s>]+)>?$/.exec(from)?.[1] ?? 'localhost'
  return {
    canReach: (system) => system === 'email',
    async send({ id, to, subject, text, language }) {
      await transport.sendMail({
        ...{ from, subject, text, messageId: `<${id}@${domain}>` },
        // One address, whatever stands on file: never a list.
        to: { name: '', address: to.value },
        // RFC 3834: no vacation notice in answer. RFC 3282.
        headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': language },
      })
    },
    async close() {
      transport.close()
    },
  }
}
