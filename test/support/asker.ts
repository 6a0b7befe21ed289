import { generateProof } from 'dpop'
import { generateKeyPair, importJWK } from 'jose'
import type { Hex } from '../../src/domain/hex.ts'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import type { Asker } from '../../src/exchange/b2b.ts'
import { ASSERTION_TYPE, makeClientAssertion } from '../../src/exchange/client-assertion.ts'
import { type Answer, answerOf } from '../../src/sandbox/his-client.ts'
import type { TestHospital } from './world.ts'

type TokenAnswer = Answer<{ access_token?: string; expires_in?: number; token_type?: string }>

/**
 * A broker that speaks the exchange protocol by hand, with a member's own keys, so that each step can be made wrong: what
 * a dishonest member, or whoever stole its keys, can send.
 */
export async function createAsker(from: TestHospital, to: TestHospital) {
  const base = to.broker.base
  const tokenUrl = `${base}/exchange/token`
  const recordUrl = (tag: string) => `${base}/exchange/record/${tag}`
  const own = await generateKeyPair('ES256', { extractable: true })
  const signing = (await importJWK(from.files.keyring.signing, 'ES256')) as CryptoKey
  const who: Asker = {
    userId: 'dr-1',
    role: 'physician',
    organization: identifierText(from.config.identifier),
    purpose: 'TREAT',
  }

  const assertion = (changes: Partial<Parameters<typeof makeClientAssertion>[0]> = {}) =>
    makeClientAssertion({
      key: signing,
      kid: from.files.keyring.signing.kid ?? '',
      alg: 'ES256',
      clientId: from.member,
      audience: tokenUrl,
      asker: who,
      nowMs: from.clock.now(),
      ...changes,
    })

  return {
    own,
    who,
    tokenUrl,
    recordUrl,
    assertion,
    proof: (method: string, url: string, token?: string, key = own) =>
      generateProof(key, url, method, undefined, token),

    /** Asks for a token; `with` replaces parts of the request. */
    async token(
      tag: Hex,
      changes: { assertion?: string; dpop?: string; body?: Record<string, string> } = {},
    ): Promise<TokenAnswer> {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        scope: `record:${tag}`,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: changes.assertion ?? (await assertion()),
        ...changes.body,
      })
      const dpop = changes.dpop ?? (await generateProof(own, tokenUrl, 'POST'))
      return answerOf(await fetch(tokenUrl, { method: 'POST', headers: { dpop }, body }))
    },

    /** Fetches a record with a token and a proof made for both, unless they are given. */
    async record(tag: Hex, token: string, changes: { dpop?: string; scheme?: string } = {}): Promise<Answer> {
      const url = recordUrl(tag)
      const dpop = changes.dpop ?? (await generateProof(own, url, 'GET', undefined, token))
      const headers = { authorization: `${changes.scheme ?? 'DPoP'} ${token}`, dpop }
      return answerOf(await fetch(url, { headers }))
    },

    /** Token and record, as a well-behaved broker asks; the first refusal is the answer. */
    async fetch(tag: Hex): Promise<Answer> {
      const answer = await this.token(tag)
      const token = answer.body.access_token
      return token ? this.record(tag, token) : answer
    },
  }
}
