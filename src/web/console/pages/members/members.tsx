import { Text, Title } from '@mantine/core'
import { Check, OctagonX, RefreshCw, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { Member } from '../../answers.ts'
import { codeOf } from '../../api.ts'
import { BusyButton } from '../../parts/busy-button.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { WayTo } from '../../parts/way-to.tsx'
import { useView } from '../../session.tsx'
import classes from './members.module.css'

/** Who takes part, and how it stands between each of them and this hospital. */
export function Members() {
  const t = useTranslations('members')
  const { data, error, isFetching, refetch } = useView<{ members: Member[] }>('members')
  return (
    <Page wide title={t('title')} lead={t('lead')}>
      <BusyButton
        variant="default"
        w="fit-content"
        busy={isFetching}
        onClick={() => void refetch()}
        leftSection={<RefreshCw size={18} aria-hidden />}
      >
        {t('refresh')}
      </BusyButton>
      <Trouble code={error ? codeOf(error) : undefined} />
      {data ? (
        <ul className={classes.members}>
          {[...data.members].sort(byTrouble).map((member) => (
            <One key={member.reference ?? member.name} member={member} />
          ))}
        </ul>
      ) : error ? null : (
        <Waiting />
      )}
    </Page>
  )
}

const open = ({ unmatched }: Member) => Object.values(unmatched).reduce((sum, count) => sum + count, 0)
const isBad = (member: Member) =>
  member.status !== 'live' || ['split', 'rewritten'].includes(member.checkpoint?.verdict ?? '')
const byTrouble = (x: Member, y: Member) =>
  Number(isBad(y)) - Number(isBad(x)) || open(y) - open(x) || x.name.localeCompare(y.name)

function One({ member }: { member: Member }) {
  const t = useTranslations('members')
  const format = useFormatter()
  const { checkpoint, unmatched } = member
  const Icon = isBad(member) ? OctagonX : open(member) > 0 ? TriangleAlert : Check
  const facts: [string, ReactNode][] = [
    [t('status'), t(`statuses.${member.status}`)],
    [t('generation'), format.number(member.generation)],
    [t('roles'), member.roles.map((role) => t(`roleNames.${role as 'custodian'}`)).join(', ') || '–'],
    [t('endpoint'), member.endpoint ? <Stranger key="endpoint">{member.endpoint}</Stranger> : '–'],
    [
      t('checkpoint'),
      checkpoint
        ? t('checkpointAt', { block: checkpoint.block, verdict: t(`verdicts.${checkpoint.verdict}`) })
        : t('noCheckpoint'),
    ],
    ...(member.self ? [] : ([[t('waiting'), format.number(member.waiting)]] as [string, string][])),
    ...(member.self
      ? []
      : ([
          [t('noReceipt'), format.number(unmatched['no-receipt'])],
          [t('receiptWaits'), format.number(unmatched.waiting)],
          [t('notInBooks'), format.number(unmatched['not-in-their-books'])],
        ] as [string, string][])),
  ]
  return (
    <li className={isBad(member) ? `${classes.member} ${classes.bad}` : classes.member}>
      <Title order={2} size="h3" className={classes.name}>
        <Icon aria-hidden />
        <span>
          <Stranger>{member.name}</Stranger>
          {member.self ? <Text component="span"> {t('self')}</Text> : null}
        </span>
      </Title>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {member.reference ? (
        <WayTo to="/search" search={{ with: member.reference }}>
          {t('events')}
        </WayTo>
      ) : null}
    </li>
  )
}
