import { describeReason } from '../../domain/audit/reasons.ts'
import { DATA_CLASSES, isDataClass } from '../../domain/consent/data-classes.ts'
import type { OwnConsent, OwnConsents } from '../../domain/consent/own-consents.ts'
import type { OwnProposal } from '../../domain/consent/own-proposals.ts'
import type { OwnRequest } from '../../domain/consent/own-requests.ts'
import { ANY_PURPOSE, purposeDisplay } from '../../domain/consent/purposes.ts'
import { isSensitiveKind, SENSITIVE_KINDS } from '../../domain/consent/sensitivities.ts'
import type { Standing } from '../../domain/consent/standing.ts'
import type { Terms } from '../../domain/consent/terms.ts'
import { type ActMessages, type ActName, NARROWING } from '../../domain/consent/typed-data.ts'
import { ZERO_32 } from '../../domain/hex.ts'
import type { Party } from '../../patient/acts.ts'

export type Told = {
  act: ActName
  message: ActMessages[ActName]
  /** Names as people use them. */
  custodian: string
  party: (party: Party) => string
  standing: Standing
  /** It goes to the chain once the custodian has approved it. */
  awaitsApproval: boolean
  /** The custodian has acknowledged it itself. */
  countsAlready: boolean
}

/** What an act did, in one plain sentence. */
export function sentenceOf(told: Told): string {
  if (told.standing === 'beaten') {
    return `This has no effect at ${told.custodian}: another change came first. Look at the status, and sign again if you still want it.`
  }
  return `${effectOf(told)}; ${certaintyOf(told)}.`
}

function effectOf({ act, message, custodian, party }: Told): string {
  if (act === 'Lock') return `Nothing of your records at ${custodian} is released to anybody`
  if (act === 'Unlock')
    return `Your records at ${custodian} are unlocked, and the consents from before count again`
  const other = effectOfOther(act, message, custodian)
  if (other !== undefined) return other
  const { scope } = message as ActMessages['Revocation']
  const whom = party(scope)
  const what = `your records at ${custodian} for ${purposeName(scope.purpose)}`
  if (act === 'Revocation') return `${capital(whom)} may no longer see ${what}`
  if (act === 'Objection') {
    const { terms } = message as ActMessages['Objection']
    return `${capital(whom)} is kept from seeing ${what} (${terms.dataClasses.length === 0 ? 'everything' : classNames(terms)})`
  }
  if (act === 'Withdrawal') return `Your objection against ${whom} seeing ${what} is withdrawn`
  if (act === 'Renewal')
    return `${capital(whom)} may see ${what} until ${(message as ActMessages['Renewal']).until}, on the terms from before`
  const grant = message as ActMessages['Grant']
  return `${capital(whom)} may see ${what} from ${grant.from} to ${grant.until} (${termsText(grant.terms)})`
}

/** What is about no single consent. */
function effectOfOther(act: ActName, message: ActMessages[ActName], custodian: string): string | undefined {
  if (act === 'Delegation') {
    const { until } = (message as ActMessages['Delegation']).bounds
    return `The helper may act for you at ${custodian} within the bounds that you signed, until ${until}`
  }
  if (act === 'DelegationEnd') return `The helper may no longer act for you at ${custodian}`
  if (act === 'RevocationList') {
    const { length } = (message as ActMessages['RevocationList']).items
    return `Everything that you had allowed at ${custodian} has ended (${length} in all)`
  }
  if (act === 'BreakGlassOff') return `Nobody is let in without your consent in an emergency at ${custodian}`
  if (act === 'BreakGlassOn') return `The rules of ${custodian} for emergencies hold again`
  if (act === 'RecoveryVeto') return `The replacement of your key at ${custodian} is stopped`
  return undefined
}

function certaintyOf({ act, standing, awaitsApproval, countsAlready, custodian }: Told): string {
  if (awaitsApproval) return `this counts once ${custodian} has approved it, too`
  const mined = standing === 'in force'
  if (!NARROWING.has(act))
    return mined ? 'it is in force on the chain' : 'it waits to be mined and is not in force yet'
  if (countsAlready)
    return `this counts already${mined ? ', and stands on the chain' : ', and the chain will show it'}`
  return mined ? 'it stands on the chain' : `it counts as soon as it reaches ${custodian}`
}

/** The lines of `requests`. */
export function requestLines(requests: readonly OwnRequest[], custodian: string): string[] {
  if (requests.length === 0) return [`Nobody asks for your records at ${custodian}.`]
  return requests.flatMap(({ id, requester, purpose, from, until, deadline, reason, answered, ...what }) => [
    `${id}`,
    `  ${requester.name} asks for ${purposeName(purpose)}, ${from} to ${until}: ${termsText({ ...what, body: ZERO_32 })}.`,
    ...(reason === '' ? [] : [`  They say: ${reason}`]),
    `  ${answered ? 'You have answered.' : `Open until ${new Date(deadline * 1000).toISOString()}.`}`,
  ])
}

/** The lines of `proposals`. */
export function proposalLines(
  proposals: readonly OwnProposal[],
  custodian: string,
  party: (party: Party) => string,
): string[] {
  if (proposals.length === 0) return [`${custodian} has nothing for you to sign.`]
  return proposals.flatMap(({ id, effect, wish, filedBy }) => {
    const { to, purpose, from, until, dataClasses } = wish
    const whom = capital(party(to))
    const period = `${from ? ` from ${from}` : ''}${until ? ` to ${until}` : ''}`
    const what: Record<OwnProposal['effect'], string> = {
      permit: `${whom} may see for ${purposeName(purpose)}${period}: ${termsText({ ...wish, body: ZERO_32 })}`,
      deny: `${whom} is kept from seeing for ${purposeName(purpose)}: ${dataClasses.length === 0 ? 'everything' : classNames({ ...wish, body: ZERO_32 })}`,
      end: `${whom} may no longer see anything for ${purposeName(purpose)}`,
    }
    return [id, `  ${what[effect]}.`, `  Written down by ${filedBy.name ?? filedBy.id}.`]
  })
}

/** The lines of `status`. */
export function statusLines(own: OwnConsents, custodian: string, party: (party: Party) => string): string[] {
  const lines = own.consents
    .filter(({ state }) => state !== 'silent')
    .map((consent) => `- ${slotLine(consent, party)}`)
  return [
    lockLine(own, custodian),
    ...(own.frozen ? [`${custodian}: ${describeReason(own.frozen)}`] : []),
    ...(lines.length === 0 ? ['Nobody has been allowed, or kept from, anything.'] : lines),
  ]
}

function lockLine({ locked, epoch, lockSignedUpTo }: OwnConsents, custodian: string): string {
  if (locked) return `${custodian}: locked, nothing is released.`
  if (lockSignedUpTo >= epoch)
    return `${custodian}: locked by your signature, nothing is released; the chain will show it.`
  return `${custodian}: not locked.`
}

function slotLine(consent: OwnConsent, party: (party: Party) => string): string {
  const { scope, state, from, until, terms, version, signedUpTo } = consent
  const purpose = purposeName(scope.purpose)
  const ending = signedUpTo >= version ? ' Revoked or objected to already; the chain will show it.' : ''
  const kinds = terms ? termsText(terms) : 'terms unknown to the hospital, so nothing is released'
  if (state === 'permit') {
    return `${capital(party(scope))} may see for ${purpose}, ${from} to ${until}: ${kinds}.${ending}`
  }
  const refused = terms && terms.dataClasses.length > 0 ? classNames(terms) : 'everything'
  return `${capital(party(scope))} is kept from seeing for ${purpose}: ${refused}.`
}

function termsText(terms: Terms): string {
  const kinds = terms.sensitivities.map((k) => (isSensitiveKind(k) ? SENSITIVE_KINDS[k].label : k))
  return `${classNames(terms)}; ${kinds.length === 0 ? 'nothing sensitive' : `sensitive: ${kinds.join(', ')}`}`
}

function classNames({ dataClasses }: Terms): string {
  if (dataClasses.length === Object.keys(DATA_CLASSES).length) return 'all kinds of data'
  return dataClasses.map((c) => (isDataClass(c) ? DATA_CLASSES[c].label : c)).join(', ')
}

const purposeName = (code: string) => (code === ANY_PURPOSE ? 'any purpose' : purposeDisplay(code))
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
