import { Anchor, Button, Loader, Paper, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Pause, Share2 } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { type OwnAt, useOwnConsents } from '../../own/hospitals.ts'
import { localKey } from '../../own/local-keys.ts'
import { useLooks, useLookWords } from '../../own/looks.ts'
import { Notices } from '../../own/notices.tsx'
import own from '../../own/own.module.css'
import { PartyName } from '../../own/party-name.tsx'
import { dayInWords, namedInLine } from '../../own/sentence.ts'
import { ShareFacts } from '../../own/share-facts.tsx'
import { StandingOf } from '../../own/standing.tsx'
import { useTerms } from '../../terms.ts'
import { WaitingNotice } from '../requests/waiting-notice.tsx'
import classes from './home.module.css'
import { Picture } from './picture.tsx'
import { byParty, type PartyShares, seeingNow } from './ways.ts'

/** Who can see what now. */
export function Home() {
  const t = useTranslations('home')
  const { state, hospitals } = useDevice()
  const all = useOwnConsents()
  if (state !== 'open') return <Page title={t('welcome')} />
  const loading =
    all.length < hospitals.length || all.length === 0 || all.every((one) => one.state === 'loading')
  const seeing = seeingNow(all)
  const known = all.filter(({ own: said }) => said !== undefined)
  const allPaused = known.length > 0 && known.every(({ paused }) => paused)
  const lead = loading
    ? t('checking')
    : allPaused
      ? t('summaryPaused')
      : known.length === 0
        ? undefined
        : t('summary', { count: seeing.length })
  return (
    <Page title={t('title')} wide {...(lead === undefined ? {} : { lead })}>
      <Notices all={all} />
      <WaitingNotice />
      <Paused all={all} whole={allPaused} />
      {seeing.length > 0 ? (
        <Stack component="section" aria-labelledby="picture">
          <Title order={2} id="picture">
            {t('picture')}
          </Title>
          <Picture hospitals={hospitals} seeing={seeing} />
        </Stack>
      ) : null}
      {loading ? <Loader role="status" aria-label={t('checking')} /> : <Cards all={all} />}
      <div className={classes.soon}>
        <NextToEnd seeing={seeing} />
        <LastLook />
      </div>
      <Others all={all} />
    </Page>
  )
}

/** Loud, so that nobody wonders why nothing arrives, and calm: it was the patient's own wish. */
function Paused({ all, whole }: { all: readonly OwnAt[]; whole: boolean }) {
  const t = useTranslations('home')
  const format = useFormatter()
  const paused = all.filter((one) => one.paused)
  if (paused.length === 0) return null
  const hospitals = format.list(paused.map(({ hospital }) => namedInLine(hospital.member.name)))
  return (
    <Paper className={classes.paused} role="status">
      <Pause size={40} aria-hidden />
      <div>
        <Text fw={650} size="lg">
          {t('pausedTitle')}
        </Text>
        <Text>{whole ? t('pausedAll') : t('pausedSome', { hospitals })}</Text>
      </div>
      <Button size="lg" renderRoot={(props) => <Link to="/pause" {...props} />}>
        {t('resume')}
      </Button>
    </Paper>
  )
}

function Cards({ all }: { all: readonly OwnAt[] }) {
  const t = useTranslations('home')
  const parties = byParty(all, ({ standing }) => standing !== 'refused' && standing !== 'over')
  return (
    <Stack component="section" aria-labelledby="shares">
      <Title order={2} id="shares">
        {t('cards')}
      </Title>
      {parties.length === 0 ? (
        <Paper withBorder p="lg">
          <Text fw={600}>{t('none')}</Text>
          <Text>{t('noneText')}</Text>
        </Paper>
      ) : (
        <ul className={classes.cards}>
          {parties.map((party) => (
            <li key={`${party.to.granteeType} ${party.to.grantee}`}>
              <Card party={party} />
            </li>
          ))}
        </ul>
      )}
      <div className={own.actions}>
        <Button
          size="lg"
          leftSection={<Share2 aria-hidden />}
          renderRoot={(props) => <Link to="/share/who" {...props} />}
        >
          {t('share')}
        </Button>
        <Button size="lg" variant="default" renderRoot={(props) => <Link to="/object" {...props} />}>
          {t('object')}
        </Button>
      </div>
    </Stack>
  )
}

function Card({ party: { to, at } }: { party: PartyShares }) {
  const t = useTranslations('home')
  const terms = useTerms()
  const party = namedInLine(terms.party(to))
  const stoppable = at.some(({ share }) => share.standing !== 'stopped')
  return (
    <Paper withBorder p="lg" className={classes.card}>
      <Title order={3} size="h4">
        <PartyName to={to} />
      </Title>
      {at.map(({ hospital, share, paused }) => (
        <div key={share.scopeHash} className={classes.at}>
          <Text fw={600}>{t('at', { hospital: namedInLine(hospital.member.name) })}</Text>
          <StandingOf share={share} paused={paused} />
          <ShareFacts share={share} />
          <Anchor
            renderRoot={(props) => (
              <Link
                to="/shares/$key"
                params={{ key: localKey([hospital.member.id, share.scopeHash]) }}
                aria-label={t('detailsOf', { party, hospital: namedInLine(hospital.member.name) })}
                {...props}
              />
            )}
          >
            {t('details')}
          </Anchor>
        </div>
      ))}
      {stoppable ? (
        <Button
          className={classes.bottom ?? ''}
          size="md"
          h={44}
          variant="default"
          aria-label={t('stopWith', { party })}
          renderRoot={(props) => <Link to="/stop/$key" params={{ key: localKey(to) }} {...props} />}
        >
          {t('stop')}
        </Button>
      ) : null}
    </Paper>
  )
}

function NextToEnd({ seeing }: { seeing: readonly PartyShares[] }) {
  const t = useTranslations('home')
  const format = useFormatter()
  const terms = useTerms()
  const [next] = seeing
    .flatMap(({ to, at }) =>
      at.map(({ hospital, share }) => ({ to, hospital, until: share.consent.until ?? '' })),
    )
    .filter(({ until }) => until !== '')
    .sort((a, b) => a.until.localeCompare(b.until))
  if (!next) return null
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h4">
        {t('next')}
      </Title>
      <Text>
        {t('nextText', {
          party: namedInLine(terms.party(next.to)),
          hospital: namedInLine(next.hospital.member.name),
          date: dayInWords(next.until, { format }),
        })}
      </Text>
    </Paper>
  )
}

function LastLook() {
  const t = useTranslations('home')
  const { looks, loading, silent } = useLooks()
  const words = useLookWords()
  const [last] = looks
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h4">
        {t('last')}
      </Title>
      {last ? <Text>{words(last)}</Text> : null}
      {!last && loading ? <Loader size="sm" /> : null}
      {last || loading || silent ? null : <Text>{t('lastNone')}</Text>}
      <Anchor renderRoot={(props) => <Link to="/history" {...props} />}>{t('moreLooks')}</Anchor>
    </Paper>
  )
}

/** What is refused, and what has ended: further down, since nobody sees anything by it. */
function Others({ all }: { all: readonly OwnAt[] }) {
  const t = useTranslations('home')
  const refused = byParty(all, ({ standing }) => standing === 'refused')
  const over = byParty(all, ({ standing }) => standing === 'over')
  return (
    <>
      {refused.length > 0 ? (
        <Stack component="section" aria-labelledby="refused">
          <Title order={2} id="refused">
            {t('refused')}
          </Title>
          <ul className={classes.cards}>
            {refused.map(({ to, at }) => (
              <li key={`${to.granteeType} ${to.grantee}`}>
                <Some to={to} at={at} link="lift" />
              </li>
            ))}
          </ul>
        </Stack>
      ) : null}
      {over.length > 0 ? (
        <details>
          <summary>{t('ended', { count: over.reduce((sum, { at }) => sum + at.length, 0) })}</summary>
          <ul className={classes.cards}>
            {over.map(({ to, at }) => (
              <li key={`${to.granteeType} ${to.grantee}`}>
                <Some to={to} at={at} link="details" />
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  )
}

function Some({ to, at, link }: PartyShares & { link: 'lift' | 'details' }) {
  const t = useTranslations('home')
  const terms = useTerms()
  const party = namedInLine(terms.party(to))
  return (
    <Paper withBorder p="lg" className={classes.card}>
      <Title order={3} size="h4">
        <PartyName to={to} />
      </Title>
      {at.map(({ hospital, share, paused }) => (
        <div key={share.scopeHash} className={classes.at}>
          <Text fw={600}>{t('at', { hospital: namedInLine(hospital.member.name) })}</Text>
          <StandingOf share={share} paused={paused} />
          <ShareFacts share={share} />
          <Anchor
            renderRoot={(props) => (
              <Link
                to="/shares/$key"
                params={{ key: localKey([hospital.member.id, share.scopeHash]) }}
                aria-label={t(link === 'lift' ? 'liftFor' : 'detailsOf', {
                  party,
                  hospital: namedInLine(hospital.member.name),
                })}
                {...props}
              />
            )}
          >
            {t(link)}
          </Anchor>
        </div>
      ))}
    </Paper>
  )
}
