import { useMemo } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { DATA_CLASSES } from '../../domain/consent/data-classes.ts'
import { ancestorsOf } from '../../domain/consent/purposes.ts'
import type { GranteeType } from '../../domain/consent/scope.ts'
import { identifierText } from '../../domain/identity/member-id.ts'
import { harmless } from '../shared/stranger.tsx'
import { type Member, useNetwork } from './network.tsx'

type Group = 'class' | 'kind' | 'kindWhy' | 'purpose' | 'reason' | 'role' | 'error'

/** The words for what brokers tell in codes. None fails: a code that no catalogue has gets a word that says so kindly. */
export type TermWords = {
  dataClass(code: string): string
  /** Several in one line; all of them together have a word of their own. */
  dataClasses(codes: readonly string[]): string
  kind(code: string): string
  /** One line on what a sensitive kind holds; empty where none is known. */
  kindWhy(code: string): string
  kinds(codes: readonly string[]): string
  /** A PurposeOfUse code; of one without words, those of the nearest purpose above it. */
  purpose(code: string): string
  /** Why a decision refused, as a sentence. */
  reason(code: string): string
  role(role: string): string
  /** What went wrong and what to do, by the `code` of what was thrown. */
  error(thrown: unknown): string
  /** Whom a consent names: an organisation by the name it publishes, cut and made harmless. */
  party(party: { granteeType: GranteeType; grantee: string }): string
  /** The same word inside a sentence: without its capital, unless the word is written in capitals. */
  inline(label: string): string
}

export function useTerms(): TermWords {
  const t = useTranslations('terms')
  const format = useFormatter()
  const { members } = useNetwork()
  return useMemo(() => termWords({ t, format, members }), [t, format, members])
}

/** The same without a page around it. */
export function termWords({
  t,
  format,
  members,
}: {
  t: ReturnType<typeof useTranslations<'terms'>>
  format: Pick<ReturnType<typeof useFormatter>, 'list'>
  members: readonly Pick<Member, 'name' | 'identifier'>[]
}): TermWords {
  // Codes come from servers: which of them have words is found out here, and not by the compiler.
  const keyOf = (group: Group, code: string) => `${group}.${code}` as 'class.problems'
  const has = (group: Group, code: string) => /^[\w-]+$/.test(code) && t.has(keyOf(group, code))
  const word = (group: Group, code: string) => t(keyOf(group, code))
  const list = (words: readonly string[]) => (words.length === 0 ? t('none') : format.list(words))
  const one = (group: Exclude<Group, 'kindWhy'>) => (code: string) =>
    has(group, code) ? word(group, code) : t(`fallback.${group}`)
  const dataClass = one('class')
  const kind = one('kind')
  const codeOf = (thrown: unknown) =>
    typeof thrown === 'object' && thrown && 'code' in thrown ? String(thrown.code) : ''
  return {
    dataClass,
    dataClasses: (codes) =>
      Object.keys(DATA_CLASSES).every((code) => codes.includes(code))
        ? t('allClasses')
        : list(codes.map((code, at) => inline(dataClass(code), at === 0))),
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

/** Two that look alike are told apart by the number of each: a name is whatever its owner has chosen. */
function nameOf(grantee: string, members: readonly Pick<Member, 'name' | 'identifier'>[]): string {
  const member = members.find(({ identifier }) => identifierText(identifier) === grantee)
  if (!member) return harmless(grantee)
  const name = harmless(member.name)
  const alike = (other: string) =>
    harmless(other).normalize('NFKC').toLowerCase() === name.normalize('NFKC').toLowerCase()
  const same = members.filter((one) => alike(one.name)).length > 1 || name === ''
  return same ? `${name} (${harmless(member.identifier.value)})` : name
}
