import { Anchor, Button, Paper, Stack, Text, Title } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnShare } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import { type OwnAt, useSources } from '../../own/hospitals.ts'
import { localKey } from '../../own/local-keys.ts'
import { useLooks, useLookWords } from '../../own/looks.ts'
import own from '../../own/own.module.css'
import { dayInWords, namedInLine } from '../../own/sentence.ts'
import { ShareFacts } from '../../own/share-facts.tsx'
import { StandingOf } from '../../own/standing.tsx'
import { useTerms } from '../../terms.ts'
import { Gone, Waiting } from './gone.tsx'
import { Lift } from './lift.tsx'
import { useShare } from './one.ts'

/** What one share allows, and what happened under it. */
export function Share() {
  const { key } = useParams({ from: '/shares/$key' })
  const t = useTranslations('shares')
  const home = useTranslations('home')
  const format = useFormatter()
  const terms = useTerms()
  const found = useShare(key)
  // A no that has just been ended is no longer found; what became of it is still to be read.
  const [was, setWas] = useState<{ at: OwnAt; share: OwnShare }>()
  if (found && found !== 'loading' && found.share.standing === 'refused' && was?.share !== found.share)
    setWas(found)
  const shown = found ?? was
  const sources = useSources(shown && shown !== 'loading' ? shown.share.to : undefined)
  if (shown === 'loading') return <Waiting />
  if (!shown) return <Gone />
  const { at, share } = shown
  const { consent, standing, to } = share
  const objection = standing === 'refused'
  const party = namedInLine(terms.party(to))
  const counts = ['open', 'later', 'unreadable'].includes(standing)
  return (
    <Page title={t(objection ? 'objectionTitle' : 'title', { party })}>
      {found ? (
        <Paper withBorder p="lg">
          <Text fw={600}>{t('at', { hospital: namedInLine(at.hospital.member.name) })}</Text>
          <StandingOf share={share} paused={at.paused || at.own?.frozen !== undefined} />
          <ShareFacts share={share} whole />
          {consent.from ? (
            <Text c="dimmed">
              {t('from')}: {dayInWords(consent.from, { format })}
            </Text>
          ) : null}
        </Paper>
      ) : null}
      {objection ? (
        <Lift at={at} share={share} />
      ) : (
        <div className={own.actions}>
          {counts && sources.length > 0 ? (
            <Button
              size="lg"
              renderRoot={(props) => <Link to="/stop/$key" params={{ key: localKey(to) }} {...props} />}
            >
              {home('stop')}
            </Button>
          ) : null}
          {standing === 'open' || standing === 'later' ? (
            <Button
              size="lg"
              variant="default"
              renderRoot={(props) => <Link to="/shares/$key/change" params={{ key }} {...props} />}
            >
              {t('narrow')}
            </Button>
          ) : null}
          {consent.terms && standing !== 'stopped' ? (
            <Button
              size="lg"
              variant="default"
              renderRoot={(props) => <Link to="/shares/$key/renew" params={{ key }} {...props} />}
            >
              {t('renew')}
            </Button>
          ) : null}
        </div>
      )}
      <Under at={at} slot={share.scopeHash} />
      <Anchor renderRoot={(props) => <Link to="/shares/$key/proof" params={{ key }} {...props} />}>
        {t('proof')}
      </Anchor>
    </Page>
  )
}

/** The looks that the hospital decided by this consent. */
function Under({ at, slot }: { at: OwnAt; slot: string }) {
  const t = useTranslations('shares')
  const words = useLookWords()
  const { looks, loading, silent } = useLooks(at.hospital)
  const under = looks.filter(({ policy }) => policy === `Consent/${slot.slice(2, 34)}`)
  return (
    <Stack component="section" aria-labelledby="history" gap="xs">
      <Title order={2} size="h3" id="history">
        {t('history')}
      </Title>
      {under.map((look) => (
        <Text key={look.id}>{words(look)}</Text>
      ))}
      {loading ? <Waiting /> : null}
      {under.length === 0 && !loading ? <Text>{t(silent ? 'historySilent' : 'historyNone')}</Text> : null}
    </Stack>
  )
}
