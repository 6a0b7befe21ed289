import { useQueries } from '@tanstack/react-query'
import { useFormatter, useTranslations } from 'use-intl'
import type { HistoryLine } from '../../../patient/client.ts'
import { type OwnHospital, useDevice } from '../device/device.tsx'
import { useTerms } from '../terms.ts'
import { namedInLine } from './sentence.ts'

/** What tells that somebody from outside saw something, or was refused. */
const LOOKS: ReadonlySet<string> = new Set(['disclosure', 'refusal'])

const MOST = 100

/** The newest looks of others at each hospital, newest first; who does not answer adds none. */
export function useLooks(at?: OwnHospital): {
  looks: readonly HistoryLine[]
  loading: boolean
  silent: boolean
} {
  const { hospitals } = useDevice()
  const asked = at ? [at] : hospitals
  return useQueries({
    queries: asked.map(({ member, client }) => ({
      queryKey: ['looks', member.id],
      queryFn: () => client.history(MOST),
      refetchInterval: 30_000,
    })),
    combine: (answers) => ({
      looks: answers
        .flatMap(({ data }) => data ?? [])
        .filter(({ kind, requester }) => LOOKS.has(kind) && requester !== undefined)
        .sort((a, b) => b.recorded.localeCompare(a.recorded)),
      loading: answers.some(({ isPending }) => isPending),
      silent: answers.some(({ error }) => error !== null),
    }),
  })
}

/** One look in a sentence. */
export function useLookWords(): (look: HistoryLine) => string {
  const t = useTranslations('home')
  const format = useFormatter()
  const terms = useTerms()
  return ({ kind, requester, record, recorded }) => {
    const who = namedInLine(requester?.name ?? '')
    const when = format.dateTime(new Date(recorded), {
      ...{ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
      ...{ hour: 'numeric', minute: 'numeric' },
    })
    if (kind === 'refusal') return t('lookRefused', { who, when })
    return t('lookGiven', { who, when, what: terms.inline(terms.dataClass(record?.dataClass ?? '')) })
  }
}
