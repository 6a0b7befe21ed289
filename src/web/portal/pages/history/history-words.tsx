import { type ReactNode, useMemo } from 'react'
import { useFormatter, useLocale, useTranslations } from 'use-intl'
import type { AuditEntry } from '../../../../domain/audit/audit-entry.ts'
import { isDataClass } from '../../../../domain/consent/data-classes.ts'
import { isResourceType, RESOURCE_TYPES } from '../../../../domain/consent/resource-types.ts'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import { harmless, Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'

/** An occasion in the reader's words. */
export type HistoryWords = {
  sentence(occasion: Pick<Occasion, 'entry' | 'source' | 'records'>): ReactNode
  /** The same as a text, for a file. */
  sentenceText(occasion: Pick<Occasion, 'entry' | 'source' | 'records'>): string
  /** The person and the role, as far as the organisation named them. */
  person(entry: AuditEntry): string
  why(entry: AuditEntry): string
  /** Kinds of data, each with how many records of it. */
  what(occasion: Occasion): string
  whyRefused(entry: AuditEntry): string
  ending(occasion: Occasion): string
  /** The day, named the way a person would: today, yesterday, a weekday where it is near. */
  day(recorded: string): string
  time(recorded: string): string
  hospital(source: number): string
}

const DAY = 86_400_000

export function useHistoryWords(): HistoryWords {
  const t = useTranslations('history')
  const terms = useTerms()
  const format = useFormatter()
  const { hospitals } = useDevice()
  const locale = useLocale()
  return useMemo(() => {
    const near = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
    const hospital = (source: number) => harmless(hospitals[source]?.member.name ?? '')
    const names = ({ entry, source }: Pick<Occasion, 'entry' | 'source'>) => ({
      org: entry.requester?.name ?? t('someOrganisation'),
      hospital: entry.custodian?.name ?? hospital(source),
    })
    const keyOf = ({ kind, patient }: AuditEntry) => {
      const name = kind === 'emergency-access' && !patient ? 'emergency-declared' : kind
      const key = `tell.${name}` as 'tell.disclosure'
      return t.has(key) ? key : ('tell.other' as 'tell.disclosure')
    }
    const className = (what: string) =>
      isDataClass(what) ? what : isResourceType(what) ? RESOURCE_TYPES[what][1] : what
    return {
      sentence(occasion) {
        const { org, hospital: at } = names(occasion)
        return t.rich(keyOf(occasion.entry), {
          count: occasion.records,
          org: () => <Stranger bold>{org}</Stranger>,
          hospital: () => <Stranger bold>{at}</Stranger>,
        })
      },
      sentenceText(occasion) {
        const { org, hospital: at } = names(occasion)
        return t.markup(keyOf(occasion.entry), {
          count: occasion.records,
          org: () => harmless(org),
          hospital: () => harmless(at),
        })
      },
      person({ user }) {
        if (!user) return ''
        const role = user.role === undefined ? undefined : terms.role(user.role)
        const name = user.name === undefined ? undefined : harmless(user.name)
        if (name !== undefined && role !== undefined) return t('whoPerson', { name, role })
        return name ?? role ?? t('noName')
      },
      why: ({ purpose }) => (purpose === undefined ? '' : terms.purpose(purpose)),
      what: ({ about }) =>
        format.list(
          about.map(({ what, count }) => {
            const word = terms.dataClass(className(what))
            return count > 1 ? t('whatCount', { what: word, count }) : word
          }),
        ),
      whyRefused: ({ reason }) => (reason === undefined ? '' : terms.reason(reason)),
      ending: ({ emergency, ending }) =>
        emergency && ending === 'allowed' ? t('ending.emergency') : t(`ending.${ending}`),
      day(recorded) {
        const date = new Date(recorded)
        const ago = Math.round((startOfDay(new Date()) - startOfDay(date)) / DAY)
        const isNear = ago >= 0 && ago < 7
        const whole = format.dateTime(date, {
          ...(isNear ? { weekday: 'long' } : { year: 'numeric' }),
          ...{ day: 'numeric', month: 'long' },
        })
        if (ago !== 0 && ago !== 1) return whole
        const word = near.format(-ago, 'day')
        return t('near', { word: `${word.charAt(0).toLocaleUpperCase(locale)}${word.slice(1)}`, date: whole })
      },
      time: (recorded) => format.dateTime(new Date(recorded), { hour: 'numeric', minute: '2-digit' }),
      hospital,
    }
  }, [t, terms, format, locale, hospitals])
}

const startOfDay = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
