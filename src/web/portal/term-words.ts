import type { useTranslations } from 'use-intl'
import { DATA_CLASSES } from '../../domain/consent/data-classes.ts'
import { ancestorsOf } from '../../domain/consent/purposes.ts'
import type { GranteeType } from '../../domain/consent/scope.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { harmless } from '../shared/harmless.ts'

/** An organisation, as it publishes itself. */
type Named = { name: string; identifier: { system: string; value: string } }

type Group = 'class' | 'kind' | 'kindWhy' | 'purpose' | 'reason' | 'role' | 'error'

/** The words for what brokers tell in codes. None fails: a code that no catalogue has gets a word that says so kindly. */
export type TermWords = {
  dataClass: (code: string) => string
  /** Several in one line; all of them together have a word of their own. */
  dataClasses: (codes: readonly string[]) => string
  /** The same where there is little room: the first of them, and how many more. */
  someClasses: (codes: readonly string[]) => string
  kind: (code: string) => string
  /** One line on what a sensitive kind holds; empty where none is known. */
  kindWhy: (code: string) => string
  kinds: (codes: readonly string[]) => string
  /** A PurposeOfUse code; of one without words, those of the nearest purpose above it. */
  purpose: (code: string) => string
  /** Why a decision refused, as a sentence. */
  reason: (code: string) => string
  role: (role: string) => string
  /** What went wrong and what to do, by the `code` of what was thrown. */
  error: (thrown: unknown) => string
  /** Whom a consent names: an organisation by the name it publishes, cut and made harmless. */
  party: (party: { granteeType: GranteeType; grantee: string }) => string
  /** The same word inside a sentence: without its capital, unless the word is written in capitals. */
  inline: (label: string) => string
}

/** @param members whose names are known */
export function termWords({
  t,
  members,
}: {
  t: ReturnType<typeof useTranslations<'terms'>>
  members: readonly Named[]
}): TermWords {
  // Codes come from servers: which of them have words is found out here, and not by the compiler.
  const keyOf = (group: Group, code: string) => `${group}.${code}` as 'class.problems'
  const has = (group: Group, code: string) =>
    /^[\w-]+$/.test(code) && !(code in Object.prototype) && t.has(keyOf(group, code))
  const word = (group: Group, code: string) => t(keyOf(group, code))
  const list = (words: readonly string[]) => (words.length === 0 ? t('none') : words.join(t('separator')))
  const one = (group: Exclude<Group, 'kindWhy'>) => (code: string) =>
    has(group, code) ? word(group, code) : t(`fallback.${group}`)
  const dataClass = one('class')
  const kind = one('kind')
  const classInList = (code: string, at: number) => inline(dataClass(code), at === 0)
  const dataClasses = (codes: readonly string[]) =>
    isAll(codes) ? t('allClasses') : list(inOrder(codes).map(classInList))
  const codeOf = (thrown: unknown) =>
    typeof thrown === 'object' && thrown && 'code' in thrown ? String(thrown.code) : ''
  return {
    dataClass,
    dataClasses,
    someClasses: (codes) =>
      codes.length <= FEW + 1 || isAll(codes)
        ? dataClasses(codes)
        : t('moreClasses', {
            list: inOrder(codes).slice(0, FEW).map(classInList).join(t('separator')),
            count: codes.length - FEW,
          }),
    kind,
    kindWhy: (code) => (has('kindWhy', code) ? word('kindWhy', code) : ''),
    kinds: (codes) => list(codes.map((code, at) => inline(kind(code), at === 0))),
    purpose: (code) =>
      one('purpose')(ancestorsOf(code).find((above) => has('purpose', above.code))?.code ?? code),
    reason: one('reason'),
    role: (role) => one('role')(role.trim().toLowerCase().replaceAll(/\s+/g, '-')),
    error: (thrown) => one('error')(codeOf(thrown)),
    party: ({ granteeType, grantee }) => {
      if (granteeType === 'Everyone') return t('everyone')
      if (granteeType === 'Group') return t('group', { name: harmless(grantee) })
      return nameOf(grantee, members)
    },
    inline: (label) => inline(label),
  }
}

const inline = (label: string, first = false) =>
  first || /^\p{Lu}[\p{Lu}-]/u.test(label) ? label : label.charAt(0).toLocaleLowerCase() + label.slice(1)

/** So many kinds of data a card has room for. */
const FEW = 4

const ORDER = Object.keys(DATA_CLASSES)
const isAll = (codes: readonly string[]) => ORDER.every((code) => codes.includes(code))

/** As the list of kinds has them, which begins with what care needs most; unknown ones last. */
const inOrder = (codes: readonly string[]) => {
  const place = (code: string) => (ORDER.includes(code) ? ORDER.indexOf(code) : ORDER.length)
  return [...codes].sort((a, b) => place(a) - place(b))
}

/** Two that look alike are told apart by the number of each: a name is whatever its owner has chosen. */
function nameOf(grantee: string, members: readonly Named[]): string {
  const member = members.find(({ identifier }) => identifierText(identifier) === grantee)
  if (!member) return harmless(grantee)
  const name = harmless(member.name)
  const alike = (other: string) =>
    harmless(other).normalize('NFKC').toLowerCase() === name.normalize('NFKC').toLowerCase()
  const same = members.filter((one) => alike(one.name)).length > 1 || name === ''
  return same ? `${name} (${harmless(member.identifier.value)})` : name
}
