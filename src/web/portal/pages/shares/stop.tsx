import { Alert, Button, Text } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { Party } from '../../../../patient/acts.ts'
import { type OwnShare, type StopPlan, stopPlan, widerThan } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import { queries } from '../../../shared/providers.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { useOwnConsents, useSources } from '../../own/hospitals.ts'
import { behindKey } from '../../own/local-keys.ts'
import own from '../../own/own.module.css'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning, type Wanted } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'
import { Gone, Home, Waiting } from './gone.tsx'
import { Undo } from './undo.tsx'
import { Verified } from './verified.tsx'

/** What is stopped at one hospital, and what stood there before. */
export type Stopped = { hospital: OwnHospital; shares: readonly OwnShare[]; plan: StopPlan }

export function Stop() {
  const { key } = useParams({ from: '/stop/$key' })
  const party = behindKey<Party>(key)
  return party ? <StopWith key={key} party={party} always={false} /> : <Gone />
}

export function ObjectTo() {
  const { key } = useParams({ from: '/object/$key' })
  const party = behindKey<Party>(key)
  return party ? <StopWith key={key} party={party} always /> : <Gone />
}

/** Works out what has to be signed once every hospital has answered or is silent; from then on that stays what is on the page. */
function StopWith({ party, always }: { party: Party; always: boolean }) {
  const t = useTranslations('own')
  const home = useSources(party)
  const all = useOwnConsents().filter(({ hospital }) =>
    home.some(({ member }) => member.id === hospital.member.id),
  )
  const [begun, setBegun] = useState<readonly Stopped[]>()
  const waiting = all.length === 0 || all.length < home.length || all.some(({ state }) => state === 'loading')
  if (!begun && !waiting) {
    setBegun(
      all.flatMap(({ hospital, own: said, shares }) =>
        said ? [{ hospital, shares, plan: stopPlan(shares, party, always) }] : [],
      ),
    )
  }
  if (!begun) return <Waiting />
  const unknown = all.filter(
    ({ hospital }) => !begun.some((one) => one.hospital.member.id === hospital.member.id),
  )
  return (
    <>
      <StopThere party={party} always={always} begun={begun} />
      {unknown.map(({ hospital, state }) => (
        <Alert key={hospital.member.id} color="yellow" mt="lg" role="status">
          {t('silent', { hospital: namedInLine(hospital.member.name) })}
          {state === 'here' ? (
            <Button mt="sm" variant="default" onClick={() => setBegun(undefined)}>
              {t('again')}
            </Button>
          ) : null}
        </Alert>
      ))}
    </>
  )
}

function wantedOf(stopped: readonly Stopped[]): Wanted[] {
  return stopped.flatMap(({ hospital, plan }) => [
    ...plan.object.map((wish): Wanted => ({ hospital, prepare: (client) => client.prepare.object(wish) })),
    ...plan.revoke.map((wish): Wanted => ({ hospital, prepare: (client) => client.prepare.revoke(wish) })),
  ])
}

function StopThere({ party, always, begun }: { party: Party; always: boolean; begun: readonly Stopped[] }) {
  const t = useTranslations('shares')
  const format = useFormatter()
  const terms = useTerms()
  const [undoing, setUndoing] = useState(false)
  const signing = useSigning(wantedOf(begun))
  const name = { party: namedInLine(terms.party(party)) }
  const { acts, over } = signing
  if (undoing) return <Undo party={party} stopped={begun} />
  if (acts.length === 0) {
    return (
      <Page title={t(always ? 'objectSay' : 'stopTitle', name)} lead={t('stopNothing', name)}>
        <Home />
      </Page>
    )
  }
  const wider = [
    ...new Set(
      begun
        .flatMap(({ shares, plan }) => (plan.object.length > 0 ? widerThan(shares, party) : []))
        .map(({ to }) => terms.party(to)),
    ),
  ]
  if (over) {
    const done = acts.every(({ at }) => at === 'force' || at === 'sent')
    return (
      <Page
        key="over"
        title={t(done ? (always ? 'objectDone' : 'stoppedTitle') : always ? 'objectSay' : 'stopTitle', name)}
        lead={t('stoppedText')}
      >
        <Verified party={party} stopped={begun} acts={acts} />
        <Acts signing={signing} />
        <div className={own.actions}>
          <Home />
          <Button
            size="lg"
            variant="default"
            onClick={() => {
              void queries.invalidateQueries({ queryKey: ['consents'] })
              setUndoing(true)
            }}
          >
            {t('undo')}
          </Button>
        </div>
      </Page>
    )
  }
  return (
    <Page title={t(always ? 'objectSay' : 'stopTitle', name)} lead={t('stopLead')}>
      <Text fw={600}>{t('stopKept')}</Text>
      {wider.length > 0 && !always ? (
        <Text>
          {t('stopWider', { wider: format.list(wider.map((one) => namedInLine(terms.inline(one)))) })}
        </Text>
      ) : null}
      {party.granteeType === 'Organization' ? null : <Text>{t('stopGroupOthers')}</Text>}
      <Acts signing={signing} label={t(always ? 'objectGo' : 'stopGo')} />
    </Page>
  )
}
