import { Alert, Anchor, Button, Loader, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import type { NoticeKind } from '../../../../domain/portal/notices.ts'
import { Page } from '../../../shared/page.tsx'
import { queries } from '../../../shared/providers.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { dayInWords } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import classes from './notices.module.css'
import { Preferences } from './preferences.tsx'
import { type NoticeHere, useNotices } from './use-notices.ts'

const PIECE = 50

/** What happened that the patient should know, newest first, and how to be told of it. */
export function Notices() {
  const t = useTranslations('notices')
  const { all, last, unread, silent, isLoading } = useNotices()
  const [shown, show] = useState(PIECE)
  const reading = useMutation({
    mutationFn: () =>
      Promise.all(last.map(({ hospital, notice }) => hospital.client.markNoticesRead(notice))),
    onSettled: () => queries.invalidateQueries({ queryKey: ['notices'] }),
  })
  return (
    <Page title={t('title')} lead={t('lead')}>
      {silent.map(({ member }) => (
        <Alert key={member.id} color="orange" role="status">
          {t.rich('silent', { hospital: () => <Stranger>{member.name}</Stranger> })}
        </Alert>
      ))}
      {isLoading ? <Loader role="status" aria-label={t('title')} /> : null}
      {!isLoading && all.length === 0 ? <Text fw={650}>{t('none')}</Text> : null}
      {unread > 0 ? (
        <div>
          <Button
            variant="default"
            loading={reading.isPending}
            onClick={() => {
              if (!reading.isPending) reading.mutate()
            }}
          >
            {t('markRead')}
          </Button>
        </div>
      ) : null}
      <ol className={classes.list}>
        {all.slice(0, shown).map((one) => (
          <OneNotice key={one.notice.id} {...one} />
        ))}
      </ol>
      {all.length > shown ? <Button onClick={() => show(shown + PIECE)}>{t('more')}</Button> : null}
      <Preferences />
    </Page>
  )
}

/** Where one learns more, by the kind of notice. */
const PLACES = {
  'first-access': ['history', '/history'],
  'access-refused': ['history', '/history'],
  'emergency-access': ['history', '/history'],
  'request-waiting': ['requests', '/requests'],
  'proposal-waiting': ['proposals', '/proposals'],
  'key-bound': ['devices', '/devices'],
  recovery: ['devices', '/devices'],
  'case-answered': ['reported', '/history/reported'],
  'consent-ending': ['home', '/'],
} as const satisfies Partial<Record<NoticeKind, readonly [string, string]>>

const isPlaced = (kind: NoticeKind): kind is keyof typeof PLACES => Object.hasOwn(PLACES, kind)

function OneNotice({ hospital, notice }: NoticeHere) {
  const t = useTranslations('notices')
  const terms = useTerms()
  const format = useFormatter()
  const { kind, at, party, grantee, until, reason, read } = notice
  const org =
    party?.name ??
    (grantee ? terms.party(grantee as Parameters<typeof terms.party>[0]) : t('someOrganisation'))
  const key = `tell.${kind}` as 'tell.consent-ending'
  if (!t.has(key)) return null
  const place = isPlaced(kind) ? PLACES[kind] : undefined
  return (
    <li className={classes.notice} data-read={read}>
      <Text size="sm">
        {format.dateTime(new Date(at), { dateStyle: 'long', timeStyle: 'short' })}
        {read ? null : <strong> · {t('new')}</strong>}
      </Text>
      <Text fw={read ? 400 : 600}>
        {t.rich(key, {
          until: until === undefined ? '' : dayInWords(until, { format }),
          org: () => <Stranger>{org}</Stranger>,
          hospital: () => <Stranger>{hospital.member.name}</Stranger>,
        })}
      </Text>
      {reason === undefined ? null : <Text size="sm">{terms.reason(reason)}</Text>}
      {place ? (
        <Anchor component={Link} to={place[1]}>
          {t(`go.${place[0]}`)}
        </Anchor>
      ) : null}
    </li>
  )
}
