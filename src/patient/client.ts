import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { JWK } from 'jose'
import { type Clock, systemClock } from '../domain/clock.ts'
import type { Explanation, Preview } from '../domain/consent/explained.ts'
import type { OwnConsents } from '../domain/consent/own-consents.ts'
import type { OwnProposal } from '../domain/consent/own-proposals.ts'
import type { OwnRequest } from '../domain/consent/own-requests.ts'
import type { ActPlace, SignedAct } from '../domain/consent/read-signed-act.ts'
import { type ActName, actDomain, digestOf, type TypedData, typedData } from '../domain/consent/typed-data.ts'
import { type Hex, toHex } from '../domain/hex.ts'
import { identifierText } from '../domain/identity/member-id.ts'
import type { GrantWish, SigningState } from './acts.ts'
import { BrokerRefused, createBrokerConnection, pause } from './broker-connection.ts'
import { type HelperMethods, helperMethods, type PreparingHelpers, prepareHelpers } from './helpers.ts'
import { createOwnActs } from './own-acts.ts'
import { createOwnSide, type OwnSide } from './own-side.ts'
import {
  createPreparing,
  type ObjectionWish,
  type Prepared,
  type Preparing,
  type SlotWish,
  slotHashOf,
} from './prepare.ts'
import { type RecoveryMethods, recoveryMethods } from './recovery.ts'
import { type PreparingRenewals, prepareRenewals, type RenewalMethods } from './renewals.ts'
import { childKey, helperKey } from './seed.ts'
import { createOwnSession, type SignedIn } from './session.ts'
import { type HashedForm, sealedForm, signAct } from './sign.ts'

export { BrokerRefused, BrokerUnreachable } from './broker-connection.ts'
export type { HistoryLine } from './own-side.ts'
export type { SlotWish } from './prepare.ts'

/** Another member's broker, which passes an act on unread, and the custodian's JWK Set, from its published profile. */
export type Via = { base: string; custodianKeys: { keys: readonly JWK[] } }

/** A FHIR resource of the patient's own record. */
export type OwnResource = { resourceType: string; id: string } & Record<string, unknown>
type OwnPage = {
  entry: { fullUrl?: string; resource: OwnResource; search: { mode: string } }[]
  link?: { url: string }[]
}

/** A page of the patient's own record. */
export type OwnRecordPage = {
  /** Where each resource stands at the hospital, and the resource as it was handed out. */
  entries: { fullUrl?: string; resource: OwnResource }[]
  /** FHIR issue types of what the hospital says of its answer: `incomplete`, `security`, `suppressed`. */
  notices: string[]
}

export type Sending = {
  /** Sign, and send nothing. */
  signOnly?: boolean
  /** Send through, or with `signOnly` make the form for, another member's broker. */
  via?: Via
  /** Hears what is signed before it is sent, and is waited for: what is kept then can be sent again. */
  keep?: (signed: SignedAct) => Promise<void>
}

/**
 * What the custodian, or a relayer, says about an act that it has stored. `counts` is the custodian's; `no longer` tells
 * that a later, wider act stands, and that ending it takes a new signature.
 */
export type Receipt = {
  digest: Hex
  receivedAt: string
  act?: ActName
  handle?: Hex
  counts?: 'now' | 'when mined' | 'when approved' | 'no longer'
  relayer?: Hex
  forwardedTo?: Hex
}

/** An act, the form of it that goes to `/relay`, and, where it was sent, the receipt and its JWS. */
export type Sent<A extends ActName = ActName> = {
  signed: SignedAct<A>
  form: SignedAct<A> | HashedForm
  receipt?: Receipt
  jws?: string
}

/** Would this member be allowed a record of this class and these kinds, or this very record, for this purpose? */
export type ExplainAsk = { requester: Hex; purpose: string } & (
  | { dataClass: string; kinds?: readonly string[] }
  | { record: string }
)

/** What of a request the patient grants; what is left out stays as it was asked for. */
export type Narrowing = { classes?: readonly string[]; sensitivities?: readonly string[]; until?: string }

/**
 * A patient's device at one custodian. Whatever it signs it builds itself; it signs nothing that a server dictates.
 *
 * Every method may throw {@link BrokerRefused} with the code of docs/errors.md, `BrokerUnreachable`, and RangeError for
 * a wish that no contract or broker would take.
 */
export type PatientClient = OwnSide &
  RecoveryMethods &
  RenewalMethods &
  HelperMethods & {
    /** The key's address. */
    signer: Hex
    /** @param within milliseconds to wait for a binding, or another right of this key, that is not mined yet */
    signIn(within?: number): Promise<SignedIn>
    /** Proves possession of this key; the binding counts once mined: `signIn(20_000)` waits for it. */
    enrol(invitation: { enrolment: string; code: string }): Promise<void>
    consents(): Promise<OwnConsents>
    /**
     * The same as FHIR AuditEvents, a page of them: by `date`, `agent`, `purpose`, `outcome`, `type`, `subtype`, `_sort`, `_count`,
     * or by the `_page` of a `next` link. @throws BrokerRefused `unsupported-parameter`, `request-invalid`
     */
    auditEvents(query?: Record<string, string>): Promise<Bundle<AuditEvent>>
    /** What the hospital itself has of the patient: the Patient and its records, as they are. */
    record(): Promise<OwnResource[]>
    /** The same, page by page as it comes, with what the hospital says of each page. */
    recordPages(): AsyncGenerator<OwnRecordPage>
    /** The same acts in two steps: built to be read, then signed as read. */
    prepare: Preparing & PreparingRenewals & PreparingHelpers
    /** Sends again what `sealedForm` made of an act that may not have arrived. An act taken twice is one act. */
    deliver(form: HashedForm): Promise<Pick<Sent, 'receipt' | 'jws'>>
    grant(wish: GrantWish, sending?: Sending): Promise<Sent<'Grant'>>
    /** Requests for access that wait for the patient's answer. */
    requests(): Promise<OwnRequest[]>
    /**
     * Answers a request with a grant that counts once the custodian has approved it, too. It may ask for less than the
     * request does, never for more.
     * @throws RangeError where it is wider than the request
     */
    answer(request: OwnRequest, less?: Narrowing, sending?: Sending): Promise<Sent<'Grant'>>
    /** Says no to a request; only the custodian learns of it. */
    refuse(request: { id: Hex }): Promise<void>
    /** Whether a member would be allowed something now, and why not. */
    explain(ask: ExplainAsk): Promise<Explanation>
    /** Which of the patient's records a grant of these terms would open. */
    preview(terms: { dataClasses: readonly string[]; sensitivities?: readonly string[] }): Promise<Preview>
    /** What this hospital's programs have filed for the patient to sign. */
    proposals(): Promise<OwnProposal[]>
    /** Signs what was filed, as it was filed: a grant, an objection, or the end of sharing. */
    accept(proposal: OwnProposal, sending?: Sending): Promise<Sent>
    /** Says no to what was filed. */
    decline(proposal: { id: string }): Promise<void>
    revoke(wish: SlotWish, sending?: Sending): Promise<Sent<'Revocation'>>
    /** Without classes: to everything. */
    object(wish: ObjectionWish, sending?: Sending): Promise<Sent<'Objection'>>
    withdraw(wish: SlotWish, sending?: Sending): Promise<Sent<'Withdrawal'>>
    lock(sending?: Sending): Promise<Sent<'Lock'>>
    unlock(sending?: Sending): Promise<Sent<'Unlock'>>
  }

/** How long a widening act waits for the patient's earlier acts to be mined. Milliseconds. */
const SETTLE_WITHIN = 20_000
const PAUSE = 250

/**
 * @param options.broker base URL of the custodian's broker
 * @param options.member the custodian's member id, from the member list
 * @param options.words the patient's 12 words; kept in memory only as the one child key
 * @param options.replacement number of the key, one more after each recovery
 * @param options.retry whether to bridge a broker's restart, up to 20 s a request
 * @throws WordsInvalid
 */
export function createPatientClient(options: {
  broker: string
  member: Hex
  words: string
  chain: ActPlace
  replacement?: number
  /** To help somebody else: the number of the key with which these words help that person; see HelperMethods. */
  helper?: number
  retry?: boolean
  fetch?: typeof fetch
  clock?: Clock
  /** Fresh random bytes for the salts of terms. */
  random?: (bytes: number) => Uint8Array
}): PatientClient {
  const { member, chain: place, clock = systemClock } = options
  const random = options.random ?? ((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  const broker = options.broker.replace(/\/+$/, '')
  const key =
    options.helper === undefined
      ? childKey(options.words, member, options.replacement)
      : helperKey(options.words, member, options.helper)
  const connection = createBrokerConnection({
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    clock,
    retry: options.retry ?? false,
  })
  const session = createOwnSession({ connection, broker, member, key, chainId: place.chainId, clock })
  const own = createOwnActs()

  const circumstances = () => ({
    now: clock.now(),
    salt: toHex(random(32)),
    // The deadline stands on the chain: acts signed in one second at two hospitals must not meet there (I8).
    early: (random(1)[0] ?? 0) % 120,
  })

  async function consents(): Promise<OwnConsents> {
    return (await session.request('GET', '/patient/consents')) as OwnConsents
  }

  async function signingState(): Promise<SigningState> {
    const opened = await session.open()
    const state = await consents()
    // The key has taken over since it signed in.
    if (opened.as === 'candidate' && !state.recovering) session.forget()
    const { handle, scopeSecret } = await session.open()
    if (state.handle !== handle) throw new Error('The server tells of another handle than at sign-in.')
    return { handle, scopeSecret, place, state }
  }

  /**
   * A widening act names the exact next version and epoch, so what was sent before it must be mined first. When that
   * takes too long the act is built on what stands, and the contract refuses it rather than misplace it.
   */
  async function settledState(slot?: SlotWish | Hex): Promise<SigningState> {
    const end = clock.monotonic() + SETTLE_WITHIN
    for (;;) {
      const current = await signingState()
      const hash = typeof slot === 'object' ? slotHashOf(current, slot) : slot
      if (own.isSettled(current.state, hash)) return current
      if (clock.monotonic() + PAUSE > end) {
        own.giveUp()
        return current
      }
      await pause(PAUSE)
    }
  }

  async function send<A extends ActName>(
    data: TypedData<A>,
    { signOnly, via, keep }: Sending,
    more: Pick<SignedAct, 'body' | 'helper'> = {},
  ): Promise<Sent<A>> {
    const signedAt = new Date(clock.now()).toISOString()
    const signed = { ...(await signAct(key.privateKey, data)), ...more, signedAt }
    const form = via ? await sealedForm(signed, via.custodianKeys) : signed
    await keep?.(signed)
    if (signOnly) return { signed, form }
    const answer = await relayed(via ? via.base.replace(/\/+$/, '') : broker, form)
    if (answer.receipt.digest !== digestOf(data)) throw new Error('The receipt is for another act.')
    return { signed, form, ...answer }
  }

  /** An act taken twice is one act, so a lost answer is asked for again. */
  async function relayed(base: string, body: Sent['form']): Promise<{ receipt: Receipt; jws: string }> {
    const request = { method: 'POST', path: '/relay', body } as const
    const answer = await connection.persistently(() => connection.send(base, request))
    return answer as { receipt: Receipt; jws: string }
  }

  const common = {
    ...{ own, session, signingState, settledState, circumstances, send, member },
    signer: key.signer,
  }
  const prepare = {
    ...createPreparing(common),
    ...prepareRenewals(common),
    ...prepareHelpers({ ...common, monotonic: () => clock.monotonic() }),
  }
  /** What a server says in between changes nothing any more: what was prepared is signed, or nothing. */
  const atOnce = async <A extends ActName>(preparing: Promise<Prepared<A>>, sending: Sending) => {
    const act = await preparing
    return act.sign(act.data, sending)
  }
  const grant = (wish: GrantWish, sending: Sending = {}) => atOnce(prepare.grant(wish), sending)
  const revoke = (wish: SlotWish, sending: Sending = {}) => atOnce(prepare.revoke(wish), sending)
  const object = (wish: ObjectionWish, sending: Sending = {}) => atOnce(prepare.object(wish), sending)

  async function bindingOffered(invitation: {
    enrolment: string
    code: string
  }): Promise<TypedData<'Bind' | 'BindGuardian'>> {
    const offer = { method: 'POST', path: '/patient/enrolment/offer', body: invitation } as const
    const { typedData: offered } = (await connection.persistently(() => connection.send(broker, offer))) as {
      typedData: TypedData<'Bind' | 'BindGuardian'>
    }
    const { primaryType: act, message } = offered
    const { handle, custodian, deadline } = message
    if ((act !== 'Bind' && act !== 'BindGuardian') || custodian !== member)
      throw new Error('The server asks for another signature than that of an enrolment here.')
    const domain = actDomain('Bind', place.chainId, place.patientRegistry.toLowerCase() as Hex)
    const own = { handle, custodian, deadline }
    if (act === 'Bind') return typedData('Bind', domain, own)
    const { until } = message as TypedData<'BindGuardian'>['message']
    return typedData('BindGuardian', domain, { ...own, until })
  }

  async function* recordPages(): AsyncGenerator<OwnRecordPage> {
    for (let path: string | undefined = 'record'; path; ) {
      const page = (await session.request('GET', `/patient/${path}`)) as OwnPage
      const entries = page.entry.flatMap(({ search, ...entry }) => (search.mode === 'match' ? [entry] : []))
      const issues = page.entry.flatMap(({ resource }) =>
        resource.resourceType === 'OperationOutcome' ? (resource.issue as { code: string }[]) : [],
      )
      yield { entries, notices: issues.map(({ code }) => code) }
      path = page.link?.[0]?.url
    }
  }

  return {
    ...createOwnSide(session),
    ...recoveryMethods({ connection, session, broker, member, place, key, send }),
    ...helperMethods({ session }),
    renew: (consent, until, sending = {}) => atOnce(prepare.renew(consent, until), sending),
    revokeAll: (consents, sending = {}) => atOnce(prepare.revokeAll(consents), sending),
    forbidEmergencyAccess: (sending = {}) => atOnce(prepare.forbidEmergencyAccess(), sending),
    allowEmergencyAccess: (sending = {}) => atOnce(prepare.allowEmergencyAccess(), sending),
    appoint: (helper, wish, sending = {}) => atOnce(prepare.appoint(helper, wish), sending),
    endDelegation: (helper, sending = {}) => atOnce(prepare.endDelegation(helper), sending),
    stopHelping: (sending = {}) => atOnce(prepare.stopHelping(), sending),
    signer: key.signer,
    signIn: (within) => session.open(within),
    consents,

    async enrol(invitation) {
      const {
        signer,
        signature,
        typedData: bind,
      } = await signAct(key.privateKey, await bindingOffered(invitation))
      const body = { ...invitation, signer, signature, deadline: bind.message.deadline }
      let attempts = 0
      try {
        await connection.persistently(() => {
          attempts++
          return connection.send(broker, { method: 'POST', path: '/patient/enrolment', body })
        })
      } catch (error) {
        // The code serves once: refused after a lost answer, it may have served. Then the key gets in.
        const used = error instanceof BrokerRefused && error.code === 'enrolment-code-wrong' && attempts > 1
        if (!used) throw error
        await session.open(SETTLE_WITHIN).catch(() => {
          throw error
        })
      }
    },

    async auditEvents(query = {}) {
      const answer = await session.request('GET', `/patient/AuditEvent?${new URLSearchParams(query)}`)
      return answer as Bundle<AuditEvent>
    },

    async record() {
      const found: OwnResource[] = []
      for await (const { entries } of recordPages()) found.push(...entries.map(({ resource }) => resource))
      return found
    },
    recordPages,

    grant,

    async requests() {
      const answer = await session.request('GET', '/patient/requests')
      return (answer as { requests: OwnRequest[] }).requests
    },

    async answer(request, less = {}, sending = {}) {
      return grant(answerWish(request, less), sending)
    },

    explain: async (ask) => (await session.request('POST', '/patient/explain', ask)) as Explanation,
    preview: async (terms) => (await session.request('POST', '/patient/preview', terms)) as Preview,

    async proposals() {
      const answer = await session.request('GET', '/patient/proposals')
      return (answer as { proposals: OwnProposal[] }).proposals
    },

    async accept({ effect, wish }, sending = {}) {
      const { to, purpose, dataClasses: classes, sensitivities, from, until, body } = wish
      if (effect === 'end') return revoke({ to, purpose }, sending)
      const narrower = body ? { body } : {}
      if (effect === 'deny') return object({ to, purpose, classes, ...narrower }, sending)
      const period = { ...(from ? { from } : {}), ...(until ? { until } : {}) }
      return grant({ to, purpose, classes, sensitivities, ...period, ...narrower }, sending)
    },

    async decline({ id }) {
      await session.request('POST', `/patient/proposals/${id}/refusal`)
    },

    async refuse({ id }) {
      await session.request('POST', `/patient/requests/${id}/refusal`)
    },

    revoke,
    object,

    withdraw: (wish, sending = {}) => atOnce(prepare.withdraw(wish), sending),
    lock: (sending = {}) => atOnce(prepare.lock(), sending),
    unlock: (sending = {}) => atOnce(prepare.unlock(), sending),
    prepare,
    deliver: (form) => relayed(broker, form),
  }
}

/**
 * The grant that answers a request, as it was asked for or narrower.
 * @throws RangeError where it would be wider, or nobody is named to grant to
 */
export function answerWish(request: OwnRequest, less: Narrowing): GrantWish {
  const { requester, purpose, dataClasses, sensitivities, from, until, deadline } = request
  const classes = less.classes ?? dataClasses
  const kinds = less.sensitivities ?? sensitivities
  const wider =
    classes.find((one) => !dataClasses.includes(one)) ?? kinds.find((one) => !sensitivities.includes(one))
  if (wider !== undefined) throw new RangeError(`${wider} was not asked for`)
  if (less.until !== undefined && less.until > until)
    throw new RangeError(`Nothing was asked for after ${until}`)
  if (!requester.identifier) throw new RangeError('The organisation that asks publishes no identifier')
  return {
    to: { granteeType: 'Organization', grantee: identifierText(requester.identifier) },
    ...{ purpose, classes, sensitivities: kinds, from, until: less.until ?? until, deadline },
    flags: { needsApproval: true },
  }
}
