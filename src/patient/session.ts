import { base64url } from 'jose'
import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import { type BrokerConnection, BrokerRefused, pause, type Request } from './broker-connection.ts'
import type { ChildKey } from './seed.ts'
import { signSignIn } from './sign.ts'

/**
 * What signing in yields: what the key is to the patient (`owner`, `candidate` while a recovery is pending, `delegate`), the
 * patient's handle at this custodian, and, for an owner alone, what salts are made from.
 */
export type SignedIn = {
  as: 'owner' | 'candidate' | 'delegate'
  handle: Hex
  scopeSecret: Uint8Array | undefined
}

export type OwnSession = {
  /**
   * Signs in, or does nothing while a session is open.
   * @param within milliseconds for which a key that is not known yet is tried again: a new binding must be mined first
   * @throws BrokerRefused `signer-unknown`; BrokerUnreachable
   */
  open(within?: number): Promise<SignedIn>
  /** Forgets the session, so that the next request signs in anew: what the key is may have changed. */
  forget(): void
  /** One request with the session; a session that has ended is renewed, once. */
  request(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    more?: Pick<Request, 'key' | 'as'>,
  ): Promise<unknown>
  /** Ends the session at the broker, where one is open; the next request signs in anew. @throws BrokerUnreachable */
  end(): Promise<void>
}

/** Ends a session this much before the broker does, so that none ends on the way. Milliseconds. */
const MARGIN = 30_000
const PAUSE = 250

type Answer = {
  session: string
  expiresAt: string
  as: SignedIn['as']
  handle: Hex
  scopeSecret?: string
  custodian: Hex
}

export function createOwnSession(deps: {
  connection: BrokerConnection
  broker: string
  member: Hex
  key: ChildKey
  chainId: number
  clock: Clock
}): OwnSession {
  const { connection, broker, key, clock } = deps
  let open: (SignedIn & { session: string; until: number }) | undefined

  async function signIn() {
    const asked = { method: 'POST', path: '/patient/challenge', body: { signer: key.signer } } as const
    const { nonce, origin } = (await connection.send(broker, asked)) as { nonce: string; origin: string }
    // Whoever stands between must not carry this signature to another hospital.
    if (!isSameOrigin(origin, broker)) {
      throw new Error(`The server at ${broker} calls itself ${origin}; nothing is signed for it.`)
    }
    const signature = await signSignIn(key.privateKey, deps.chainId, { origin, nonce })
    const body = { signer: key.signer, nonce, signature }
    const answer = (await connection.send(broker, {
      method: 'POST',
      path: '/patient/session',
      body,
    })) as Answer
    if (answer.custodian !== deps.member) throw new Error(`The server at ${broker} is another hospital's.`)
    return {
      session: answer.session,
      until: Date.parse(answer.expiresAt) - MARGIN,
      as: answer.as,
      handle: answer.handle,
      scopeSecret: answer.scopeSecret === undefined ? undefined : base64url.decode(answer.scopeSecret),
    }
  }

  /** A nonce serves once, so challenge and answer are repeated together. */
  async function ensured(within = 0) {
    const end = clock.monotonic() + within
    while (!open || clock.now() >= open.until) {
      try {
        open = await connection.persistently(signIn)
      } catch (error) {
        const notYet = error instanceof BrokerRefused && error.code === 'signer-unknown'
        if (!notYet || clock.monotonic() + PAUSE > end) throw error
        await pause(PAUSE)
      }
    }
    return open
  }

  return {
    async open(within) {
      const { as, handle, scopeSecret } = await ensured(within)
      return { as, handle, scopeSecret }
    },

    forget() {
      open = undefined
    },

    async request(method, path, body, more = {}) {
      const send = async () => {
        const { session } = await ensured()
        return connection.persistently(() =>
          connection.send(broker, {
            ...{ method, path, session, ...more },
            ...(body === undefined ? {} : { body }),
          }),
        )
      }
      try {
        return await send()
      } catch (error) {
        if (!(error instanceof BrokerRefused && error.code === 'session-expired')) throw error
        open = undefined
        return send()
      }
    },

    async end() {
      const session = open?.session
      open = undefined
      if (session === undefined) return
      try {
        await connection.send(broker, { method: 'POST', path: '/patient/session/end', session })
      } catch (error) {
        // Ended already is ended.
        if (!(error instanceof BrokerRefused)) throw error
      }
    },
  }
}

const withoutSlash = (url: string) => url.replace(/\/+$/, '')

function isSameOrigin(said: string, meant: string): boolean {
  return URL.canParse(said) && withoutSlash(new URL(said).href) === withoutSlash(new URL(meant).href)
}
