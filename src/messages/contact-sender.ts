import type { ContactPoint, Language } from '../domain/identity/contact-points.ts'

/** What a patient is told outside of the portal: no clinical content, and nothing that opens anything but a one-time code. */
export type ContactMessage = {
  /** The same at each try, so that a gateway can tell a message that came twice. */
  id: string
  to: ContactPoint
  language: Language
  subject: string
  text: string
  /** What an enrolment's code is for and what it is, where the message is one; they stand in `text` as well. */
  enrolment?: string
  code?: string
}

/** Takes messages to contact points. */
export type ContactSender = {
  /** Whether there is a way to such a contact point. */
  canReach(system: ContactPoint['system']): boolean
  /** Resolves once a gateway has taken the message. What it throws means: later again. */
  send(message: ContactMessage): Promise<void>
  close(): Promise<void>
}

/** Each kind of contact point by its own sender. */
export function createSenderBySystem(
  senders: Partial<Record<ContactPoint['system'], ContactSender>>,
): ContactSender {
  return {
    canReach: (system) => senders[system]?.canReach(system) ?? false,
    async send(message) {
      const sender = senders[message.to.system]
      if (!sender) throw new Error(`nothing takes messages by ${message.to.system}`)
      await sender.send(message)
    },
    async close() {
      await Promise.all(Object.values(senders).map((sender) => sender.close()))
    },
  }
}
