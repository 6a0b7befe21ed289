import { useTranslations } from 'use-intl'
import { dayOfDate } from '../../../../domain/days.ts'
import type { Party } from '../../../../patient/acts.ts'
import { isSameParty, type OwnShare } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import { Acts } from '../../own/acts.tsx'
import { today } from '../../own/hospitals.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning, type Wanted } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'
import { Home } from './gone.tsx'
import type { Stopped } from './stop.tsx'

/** A new grant of the same terms for each that was stopped, and the end of each objection that came with it. */
export function Undo({ party, stopped }: { party: Party; stopped: readonly Stopped[] }) {
  const t = useTranslations('shares')
  const terms = useTerms()
  const signing = useSigning(stopped.flatMap((one) => wantedOf(one, party)))
  return (
    <Page title={t('undoTitle', { party: namedInLine(terms.party(party)) })} lead={t('undoText')}>
      <Acts signing={signing} label={t('undoGo')} />
      {signing.over ? <Home /> : null}
    </Page>
  )
}

function wantedOf({ hospital, shares, plan }: Stopped, party: Party): Wanted[] {
  const before = shares.filter(
    ({ to, standing, consent }) =>
      isSameParty(to, party) && (standing === 'open' || standing === 'later') && consent.terms !== undefined,
  )
  const again = (share: OwnShare): Wanted => ({
    hospital,
    prepare: (client) => client.prepare.grant(wishOf(share)),
  })
  // Where a grant takes the very slot, it takes the place of the objection.
  const lifted = plan.object.filter(({ purpose }) => !before.some((share) => share.purpose === purpose))
  return [
    ...before.map(again),
    ...lifted.map((wish): Wanted => ({ hospital, prepare: (client) => client.prepare.withdraw(wish) })),
  ]
}

function wishOf({ to, purpose, consent: { terms, from, until, body } }: OwnShare) {
  return {
    ...{ to, purpose, classes: terms?.dataClasses ?? [], sensitivities: terms?.sensitivities ?? [] },
    ...(from && (dayOfDate(from) ?? 0) > today() ? { from } : {}),
    ...(until ? { until } : {}),
    ...(body ? { body } : {}),
  }
}
