import type { Webhooks } from '../exchange/webhook.ts'
import type { ContactSender } from './contact-sender.ts'

/**
 * Text messages by a gateway of the hospital's: a POST of `{ id, to, text, language }` in JSON, signed as a JWS with detached
 * payload. Taken with any 2xx; anything else, and no answer, means later again.
 * @param deps.sign over the very bytes that are sent
 */
export function createSmsSender(deps: {
  url: string
  webhooks: Webhooks
  sign: (bytes: Uint8Array) => Promise<string>
}): ContactSender {
  const { url, webhooks, sign } = deps
  return {
    canReach: (system) => system === 'phone',
    async send({ id, to, text, language }) {
      const bytes = Buffer.from(JSON.stringify({ id, to: to.value, text, language }))
      const status = await webhooks.post(url, bytes, await sign(bytes), 'application/json')
      if (status < 200 || status > 299) throw new Error(`the gateway answered ${status}`)
    },
    close: () => webhooks.close(),
  }
}
