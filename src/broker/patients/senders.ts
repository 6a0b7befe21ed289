import type { Clock } from '../../domain/clock.ts'
import { createWebhooks } from '../../exchange/webhook.ts'
import { type ContactSender, createSenderBySystem } from '../../messages/contact-sender.ts'
import { createFileSender } from '../../messages/file-sender.ts'
import { createSmsSender } from '../../messages/sms-sender.ts'
import { createSmtpSender } from '../../messages/smtp-sender.ts'
import type { BrokerConfig } from '../config.ts'
import { signDetached } from '../events/notification.ts'

/** What tells a signature over a text message from one over an event. */
const MESSAGE_TYP = 'wayleave-message'

/**
 * The ways to patients' contact points that are configured; the file for trying only where there is no other.
 * @throws Error where there is none at all, or a file cannot be read: the start ends with it
 */
export function openSenders(deps: {
  config: BrokerConfig
  clock: Clock
  signing: { key: CryptoKey; kid: string }
}): ContactSender {
  const { config, clock, signing } = deps
  const { email, sms } = config.messages ?? {}
  if (!email && !sms) {
    if (config.contactFile === undefined)
      throw new Error(
        'Nothing says how patients are reached: name messages.email, messages.sms or contactFile',
      )
    return createFileSender(config.contactFile, clock)
  }
  return createSenderBySystem({
    ...(email ? { email: createSmtpSender(email) } : {}),
    ...(sms
      ? {
          phone: createSmsSender({
            url: sms.url,
            webhooks: createWebhooks({
              origins: [new URL(sms.url).origin],
              networks: config.callbackNetworks ?? [],
            }),
            sign: (bytes) =>
              signDetached(bytes, signing, { audience: sms.url, nowMs: clock.now(), typ: MESSAGE_TYP }),
          }),
        }
      : {}),
  })
}
