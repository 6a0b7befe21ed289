import { Alert, Button, Loader, Paper, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Check, CircleOff, Clock, UserPlus } from 'lucide-react'
import type { ReactNode } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnDelegate } from '../../../../domain/consent/own-delegates.ts'
import { DELEGATE_ACTS } from '../../../../domain/consent/rights.ts'
import type { HistoryLine } from '../../../../patient/client.ts'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { localKey } from '../../own/local-keys.ts'
import own from '../../own/own.module.css'
import { dayInWords, namedInLine } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import classes from './helpers.module.css'
import { useHelpers } from './use-helpers.ts'

const ICONS: Record<OwnDelegate['state'], ReactNode> = {
  waiting: <Clock size={20} aria-hidden />,
  'in-force': <Check size={20} aria-hidden />,
  over: <CircleOff size={20} aria-hidden />,
  ended: <CircleOff size={20} aria-hidden />,
}

/** Who may act for the patient, what each may do and until when, and what each did. */
export function Helpers() {
  const t = useTranslations('helpers')
  const all = useHelpers()
  const loading = all.some(({ state }) => state === 'loading')
  const list = all.flatMap(({ hospital, helpers, did }) =>
    helpers.map((helper) => ({
      hospital,
      helper,
      did: did.filter((one) => one.helper?.id === helper.delegate),
    })),
  )
  const present = list.filter(({ helper }) => helper.state !== 'ended')
  const former = list.filter(({ helper }) => helper.state === 'ended')
  const silent = all.filter(({ state }) => state === 'silent')
  return (
    <Page title={t('title')} lead={t('lead')}>
      {silent.map(({ hospital: { member } }) => (
        <Alert key={member.id} color="yellow" role="status">
          {t('silent', { hospital: namedInLine(member.name) })}
        </Alert>
      ))}
      {loading ? <Loader role="status" aria-label={t('title')} /> : null}
      {!loading && present.length === 0 ? (
        <Paper withBorder p="lg">
          <Text fw={600}>{t('none')}</Text>
        </Paper>
      ) : null}
      <ul className={classes.list}>
        {present.map((one) => (
          <li key={`${one.hospital.member.id} ${one.helper.delegate}`}>
            <Helper {...one} />
          </li>
        ))}
      </ul>
      <div className={own.actions}>
        <Button
          size="lg"
          leftSection={<UserPlus aria-hidden />}
          renderRoot={(props) => <Link to="/helpers/appoint" {...props} />}
        >
          {t('appoint')}
        </Button>
        <Button size="lg" variant="default" renderRoot={(props) => <Link to="/helping" {...props} />}>
          {t('iHelp')}
        </Button>
      </div>
      {former.length > 0 ? (
        <details className={own.after}>
          <summary>{t('before')}</summary>
          <ul className={classes.list}>
            {former.map((one) => (
              <li key={`${one.hospital.member.id} ${one.helper.delegate}`}>
                <Helper {...one} />
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </Page>
  )
}

function Helper({
  hospital,
  helper,
  did,
}: {
  hospital: OwnHospital
  helper: OwnDelegate
  did: readonly HistoryLine[]
}) {
  const t = useTranslations('helpers')
  const format = useFormatter()
  const { name, bounds, scopes, state, delegate } = helper
  const ends = state === 'in-force' || state === 'waiting'
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h3">
        {name ? <Stranger>{name}</Stranger> : t('unnamed')}
      </Title>
      <Text>{t('at', { hospital: namedInLine(hospital.member.name) })}</Text>
      <div className={classes.state}>
        {ICONS[state]}
        <Text fw={600}>{t(`state.${state}`)}</Text>
      </div>
      <dl className={own.facts}>
        <div>
          <dt>{t('may')}</dt>
          <dd>
            <May bounds={bounds} scopes={scopes} />
          </dd>
        </div>
        <div>
          <dt>{t('until')}</dt>
          <dd>{dayInWords(bounds.until, { format })}</dd>
        </div>
        <div>
          <dt>{t('did')}</dt>
          <dd>{did.length === 0 ? t('didNothing') : <Did lines={did} />}</dd>
        </div>
      </dl>
      {ends ? (
        <Button
          size="md"
          variant="default"
          renderRoot={(props) => (
            <Link
              to="/helpers/end/$key"
              params={{ key: localKey({ member: hospital.member.id, delegate, name }) }}
              {...props}
            />
          )}
        >
          {t('end')}
        </Button>
      ) : null}
    </Paper>
  )
}

/** What somebody may do, in the words that were signed. */
export function May({ bounds, scopes }: { bounds: OwnDelegate['bounds']; scopes?: OwnDelegate['scopes'] }) {
  const t = useTranslations('own')
  const helpers = useTranslations('helpers')
  const terms = useTerms()
  const parties = [...new Set((scopes ?? []).map((scope) => terms.party(scope)))]
  return (
    <Stack gap={4}>
      {DELEGATE_ACTS.filter((act) => bounds[act]).map((act) => (
        <Text key={act}>{t(`may.${act}`)}</Text>
      ))}
      {bounds.mayGrant ? <Text size="sm">{t('mayGrantDays', { days: bounds.longestDays })}</Text> : null}
      {parties.length > 0 ? (
        <Text size="sm">
          {helpers('listed')}:{' '}
          {parties.map((party, i) => (
            <span key={party}>
              {i === 0 ? null : ', '}
              <Stranger>{party}</Stranger>
            </span>
          ))}
        </Text>
      ) : null}
    </Stack>
  )
}

const KINDS: Readonly<Record<string, 'shared' | 'stopped' | 'saidNo' | 'tookBack' | 'paused' | 'resumed'>> = {
  'consent-granted': 'shared',
  'consent-revoked': 'stopped',
  'consent-objected': 'saidNo',
  'objection-withdrawn': 'tookBack',
  locked: 'paused',
  unlocked: 'resumed',
}

function Did({ lines }: { lines: readonly HistoryLine[] }) {
  const t = useTranslations('helpers')
  const format = useFormatter()
  return (
    <ul className={classes.did}>
      {lines.map(({ id, kind, recorded, requester }) => {
        const what = KINDS[kind]
        if (!what) return null
        return (
          <li key={id}>
            {format.dateTime(new Date(recorded), { dateStyle: 'medium', timeStyle: 'short' })}:{' '}
            {t(`act.${what}`, { party: namedInLine(requester?.name ?? t('others')) })}
          </li>
        )
      })}
    </ul>
  )
}
