import { Alert, Loader } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { ANY_PURPOSE } from '../../../../domain/consent/purposes.ts'
import type { Hex } from '../../../../domain/hex.ts'
import { identifierText } from '../../../../domain/identity/member-id.ts'
import type { Party } from '../../../../patient/acts.ts'
import type { PatientClient } from '../../../../patient/client.ts'
import { isSameParty, widerThan } from '../../../../patient/own-shares.ts'
import { useNetwork } from '../../network.tsx'
import { namedInLine } from '../../own/sentence.ts'
import type { Act } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'
import type { Stopped } from './stop.tsx'

/** Asks each hospital's own decision, for all that the party could see before by any consent, whether it is refused now. */
export function Verified({
  party,
  stopped,
  acts,
}: {
  party: Party
  stopped: readonly Stopped[]
  acts: readonly Act[]
}) {
  const t = useTranslations('shares')
  const terms = useTerms()
  const { members } = useNetwork()
  const requester =
    party.granteeType === 'Organization'
      ? members.find(({ identifier }) => identifierText(identifier) === party.grantee)?.id
      : undefined
  const there = requester
    ? stopped.filter(({ hospital }) =>
        acts.some(
          (act) => act.hospital.member.id === hospital.member.id && ['force', 'sent'].includes(act.at),
        ),
      )
    : []
  const answers = useQueries({
    queries: there.map((one) => ({
      queryKey: ['refused', one.hospital.member.id, party, acts.map(({ at }) => at)],
      queryFn: () => firstPermit(one.hospital.client, requester ?? '0x', questionsOf(one, party)),
      staleTime: 0,
    })),
  })
  return (
    <div role="status">
      {there.map(({ hospital }, at) => {
        const { data, error } = answers[at] ?? {}
        const name = { hospital: namedInLine(hospital.member.name), party: namedInLine(terms.party(party)) }
        if (error)
          return (
            <Alert key={hospital.member.id} color="yellow" mb="sm">
              {t('notAsked', name)}
            </Alert>
          )
        if (!data) return <Loader key={hospital.member.id} aria-label={t('verifying')} />
        return data.refused ? (
          <Alert key={hospital.member.id} color="sea" mb="sm">
            {t('verified', name)}
          </Alert>
        ) : (
          <Alert key={hospital.member.id} color="red" mb="sm">
            {t('notVerified', { ...name, why: terms.purpose(data.purpose) })}
          </Alert>
        )
      })}
    </div>
  )
}

type Question = { purpose: string; dataClass: string; kinds: readonly string[] }

/** One for each consent that could have let the party in: what that opens, at its widest. */
function questionsOf({ shares }: Stopped, party: Party): Question[] {
  const concerned = [
    ...shares.filter(
      ({ to, standing }) => isSameParty(to, party) && standing !== 'refused' && standing !== 'over',
    ),
    ...widerThan(shares, party),
  ]
  const questions = concerned.flatMap(({ purpose, consent }) =>
    (consent.terms?.dataClasses ?? []).slice(0, 3).map((dataClass) => ({
      purpose: purpose === ANY_PURPOSE ? 'TREAT' : purpose,
      dataClass,
      kinds: [],
    })),
  )
  return questions.length > 0 ? questions : [{ purpose: 'TREAT', dataClass: 'medications', kinds: [] }]
}

async function firstPermit(
  client: PatientClient,
  requester: Hex,
  questions: readonly Question[],
): Promise<{ refused: true } | { refused: false; purpose: string }> {
  for (const question of questions) {
    const { decision } = await client.explain({ requester, ...question })
    if (decision !== 'refuse') return { refused: false, purpose: question.purpose }
  }
  return { refused: true }
}
