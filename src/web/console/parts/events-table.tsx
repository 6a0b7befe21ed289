import { Button, Text } from '@mantine/core'
import { Check, ChevronDown, ChevronUp, OctagonX, TriangleAlert } from 'lucide-react'
import { Fragment, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Stranger } from '../../shared/stranger.tsx'
import type { Line } from '../answers.ts'
import classes from './events-table.module.css'
import { useTerms } from './terms.ts'
import { WayTo } from './way-to.tsx'

/** A sentence with the names that are in it, and a reason that somebody wrote. Characters. */
const LONGEST = 1_200

/** Lines of the trail; each opens to all that there is of it. */
export function EventsTable({ lines, caption }: { lines: readonly Line[]; caption: string }) {
  const t = useTranslations('events')
  return (
    <table className={classes.table}>
      <caption className={classes.caption}>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t('when')}</th>
          <th scope="col">{t('what')}</th>
          <th scope="col">{t('result')}</th>
          <th scope="col">{t('who')}</th>
          <th scope="col">{t('about')}</th>
          <th scope="col">
            <span className={classes.unseen}>{t('more')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <EventRow key={line.id} line={line} />
        ))}
      </tbody>
    </table>
  )
}

function EventRow({ line }: { line: Line }) {
  const t = useTranslations('events')
  const term = useTerms()
  const format = useFormatter()
  const [open, setOpen] = useState(false)
  const when = new Date(line.at)
  const details = `line-${line.id}`
  const bad = isBad(line)
  return (
    <Fragment>
      <tr className={bad ? classes.bad : undefined}>
        <td data-label={t('when')}>
          <time dateTime={line.at}>
            {format.dateTime(when, { dateStyle: 'medium', timeStyle: 'medium' })}
          </time>
        </td>
        <td data-label={t('what')}>
          <strong>{term('kind', line.kind)}</strong>
        </td>
        <td data-label={t('result')}>
          <Result line={line} />
        </td>
        <td data-label={t('who')}>
          <Who line={line} />
        </td>
        <td data-label={t('about')}>
          {[
            line.record?.dataClass ? term('class', line.record.dataClass) : undefined,
            line.purpose ? term('purpose', line.purpose) : undefined,
          ]
            .filter(Boolean)
            .join(' · ')}
        </td>
        <td>
          <Button
            variant="subtle"
            size="compact-md"
            aria-expanded={open}
            aria-controls={details}
            rightSection={open ? <ChevronUp size={18} aria-hidden /> : <ChevronDown size={18} aria-hidden />}
            onClick={() => setOpen(!open)}
          >
            {t('more')}
          </Button>
        </td>
      </tr>
      <tr hidden={!open} id={details} className={classes.details}>
        <td colSpan={6}>{open ? <Details line={line} /> : null}</td>
      </tr>
    </Fragment>
  )
}

const isBad = ({ kind, outcome }: Line) => kind === 'refusal' || kind === 'alarm' || outcome !== '0'

function Result({ line }: { line: Line }) {
  const t = useTranslations('events')
  const term = useTerms()
  const word =
    line.kind === 'alarm'
      ? 'alarm'
      : line.kind === 'refusal'
        ? 'refused'
        : line.outcome === '0'
          ? 'done'
          : 'failed'
  const Icon = { alarm: TriangleAlert, refused: OctagonX, failed: OctagonX, done: Check }[word]
  return (
    <span className={classes.result}>
      <Icon size={18} aria-hidden />
      <span>
        {t(word)}
        {line.reason ? <Text size="sm">{term('reason', line.reason)}</Text> : null}
      </span>
    </span>
  )
}

/** The person and the organisations, never the software between them. */
function Who({ line: { user, requester, custodian } }: { line: Line }) {
  const term = useTerms()
  const parties = [...new Set([requester, custodian].flatMap((name) => name ?? []))]
  return (
    <>
      {user ? (
        <div>
          <Stranger>{user.name ?? user.id}</Stranger>
          {user.role ? <> ({<Stranger>{term('role', user.role)}</Stranger>})</> : null}
        </div>
      ) : null}
      {parties.map((name) => (
        <Text key={name} size="sm">
          <Stranger>{name}</Stranger>
        </Text>
      ))}
    </>
  )
}

function Details({ line }: { line: Line }) {
  const t = useTranslations('events')
  const facts: [string, string | number | undefined][] = [
    [t('note'), line.note],
    [t('record'), line.record?.id],
    [t('type'), line.record?.resourceType],
    [t('program'), line.client],
    [t('exchange'), line.exchange],
    [t('block'), line.block],
    [t('line'), line.id],
  ]
  return (
    <div className={classes.inside}>
      <p lang="en" dir="ltr">
        <Stranger longest={LONGEST}>{line.sentence}</Stranger>
      </p>
      <dl className={classes.facts}>
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Stranger longest={LONGEST}>{String(value)}</Stranger>
              </dd>
            </div>
          ),
        )}
      </dl>
      <p className={classes.links}>
        {(['patient', 'consent', 'request'] as const).map((kind) => {
          const reference = line[kind]
          return reference ? (
            <WayTo key={kind} to="/timeline" search={{ of: reference }}>
              {t(`timeline.${kind}`)}
            </WayTo>
          ) : null
        })}
      </p>
    </div>
  )
}
