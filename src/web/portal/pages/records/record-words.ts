import { useMemo } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { Fact, FactValue } from '../../../../domain/own-record/facts.ts'
import type { OwnEntry } from '../../../../domain/own-record/own-entry.ts'
import { harmless } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { useTerms } from '../../terms.ts'

/** Records in the reader's words, as far as they are not their source's own. */
export type RecordWords = {
  title(entry: OwnEntry): string
  kind(entry: OwnEntry): string
  /** A FHIR date, as far as it goes: a year, a month, a day; of an instant, its day. */
  date(date: string | undefined): string
  hospital(source: number): string
  fact(fact: Fact): string
  value(value: FactValue): string
  /** Whether it is usual, and what would be; empty where nobody said. */
  verdict(value: FactValue): string
}

export function useRecordWords(): RecordWords {
  const t = useTranslations('records')
  const terms = useTerms()
  const format = useFormatter()
  const { hospitals } = useDevice()
  return useMemo(() => {
    const date = (given: string | undefined): string => {
      if (given === undefined) return t('noDate')
      // A day without a time is the same day everywhere.
      const timeZone = given.length <= 10 ? { timeZone: 'UTC' } : {}
      const day =
        given.length < 7
          ? {}
          : { month: 'long' as const, ...(given.length < 10 ? {} : { day: 'numeric' as const }) }
      return format.dateTime(new Date(given), { year: 'numeric', ...day, ...timeZone })
    }
    const code = (given: string): string => {
      const [word, dose, times, period, unit] = given.split(':')
      if (word === 'dose')
        return t('dose', {
          dose: Number(dose),
          times: Number(times),
          period: Number(period),
          unit: unit ?? '',
        })
      const key = `state.${given}` as 'state.active'
      return /^[\w-]+$/.test(given) && t.has(key) ? t(key) : harmless(given)
    }
    const value = (given: FactValue): string => {
      switch (given.is) {
        case 'text':
          return given.text === 'true' ? t('yes') : given.text === 'false' ? t('no') : given.text
        case 'code':
          return code(given.code)
        case 'date':
          return date(given.date)
        case 'measured': {
          const amount = `${given.comparator ?? ''}${format.number(given.value, { maximumSignificantDigits: 6 })}`
          return given.unit === undefined
            ? amount
            : t('measured', { value: amount, unit: unitOf(given.unit) })
        }
        case 'parts':
          return given.parts
            .map((part) => [part.title, part.value && value(part.value)].filter(Boolean).join(': '))
            .join('; ')
      }
    }
    return {
      title: ({ title, dataClass }) => title ?? terms.dataClass(dataClass),
      kind: ({ dataClass }) => terms.dataClass(dataClass),
      date,
      hospital: (source) => harmless(hospitals[source]?.member.name ?? ''),
      fact: ({ name }) => t(`fact.${name}`),
      value,
      verdict(given) {
        if (given.is !== 'measured') return ''
        const { verdict, range: { low, high } = {} } = given
        const range =
          low !== undefined && high !== undefined
            ? t('range.both', { low, high })
            : low !== undefined
              ? t('range.low', { low })
              : high !== undefined
                ? t('range.high', { high })
                : ''
        return [verdict ? t(`verdict.${verdict}`) : '', range].filter(Boolean).join('. ')
      },
    }
  }, [t, terms, format, hospitals])
}

/** UCUM's remarks stand in braces, and are for programs: `{score}`. */
const unitOf = (unit: string) =>
  harmless(unit.replace(/\{([^}]*)\}/gu, '$1').trim() === '1' ? '' : unit.replace(/[{}]/gu, ''))
