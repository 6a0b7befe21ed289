import { appendFileSync } from 'node:fs'

/** Sends a one-time code to the contact on file. */
export type ContactSender = {
  send(contact: string, message: { enrolment: string; code: string }): Promise<void>
}

/**
 * For trying: the codes lie in a file that only its owner reads, as on a phone that stands next to the server. A hospital
 * puts a gateway of its own here.
 */
export function createFileContactSender(file: string): ContactSender {
  return {
    async send(contact, message) {
      appendFileSync(file, `${JSON.stringify({ contact, ...message })}\n`, { mode: 0o600 })
    },
  }
}
