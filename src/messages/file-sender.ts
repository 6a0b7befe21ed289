import { appendFileSync } from 'node:fs'
import type { Clock } from '../domain/clock.ts'
import type { ContactSender } from './contact-sender.ts'

/** For trying: messages lie in a file that only its owner reads, as on a phone that stands next to the server. */
export function createFileSender(file: string, clock: Pick<Clock, 'now'>): ContactSender {
  return {
    canReach: () => true,
    async send({ to, text, language, enrolment, code }) {
      const line = {
        at: new Date(clock.now()).toISOString(),
        ...{ to: to.value, language, text },
        ...(enrolment === undefined ? {} : { enrolment }),
        ...(code === undefined ? {} : { code }),
      }
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
    },
    async close() {},
  }
}
