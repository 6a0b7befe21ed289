import { Button, Group, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { Report, ReportTable } from '../../answers.ts'
import { ask, codeOf, download, queryOf } from '../../api.ts'
import { BusyButton } from '../../parts/busy-button.tsx'
import { fieldsOf } from '../../parts/fields.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { asStaff, useMayAct } from '../../session.tsx'
import classes from './reports.module.css'

/** A report speaks English, whatever the page around it does. */
const IN_ENGLISH = { absent: 'What is not in this report, and why', none: 'None.' }

const ABOUT_ALL = ['refusals', 'revocations', 'organisations'] as const
const ABOUT_ONE = ['disclosures', 'subject-access'] as const
/** More rows than anybody reads on a page; the file has all of them. */
const SHOWN = 200

/** The reports of the trail, to look at and to take along. */
export function Reports() {
  const t = useTranslations('reports')
  const { of } = useSearch({ from: '/reports' })
  const mayAct = useMayAct()
  const names = of && mayAct ? [...ABOUT_ONE, ...ABOUT_ALL] : ABOUT_ALL
  const [code, setCode] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [report, setReport] = useState<Report>()
  const [asked, setAsked] = useState<{ name: string; from?: string; to?: string }>()

  const pathOf = ({ name, from, to }: NonNullable<typeof asked>, format: string) => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
    const isOfOne = ABOUT_ONE.some((one) => one === name)
    return `reports/${name}?${queryOf({ from, to, zone, format, of: isOfOne ? of : undefined })}`
  }
  const doing = async (work: () => Promise<void>) => {
    setBusy(true)
    setCode(undefined)
    await asStaff(work).catch((error: unknown) => setCode(codeOf(error)))
    setBusy(false)
  }
  const make = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const { name = '', from = '', to = '' } = fieldsOf(event.currentTarget)
    const next = { name, from, to }
    void doing(async () => {
      setReport(undefined)
      setReport(await ask<Report>('GET', pathOf(next, 'json')))
      setAsked(next)
    })
  }
  return (
    <Page wide title={t('title')} lead={t('lead')}>
      {of ? null : <Text c="dimmed">{mayAct ? t('lookUpFirst') : t('auditor')}</Text>}
      <form onSubmit={make}>
        <div className={classes.form}>
          <NativeSelect
            name="name"
            label={t('name')}
            data={names.map((value) => ({ value, label: t(`names.${value}`) }))}
          />
          <TextInput name="from" type="date" label={t('from')} />
          <TextInput name="to" type="date" label={t('to')} />
        </div>
        <BusyButton type="submit" mt="md" busy={busy}>
          {t('make')}
        </BusyButton>
      </form>
      <Trouble code={code} />
      {report && asked ? (
        <Stack>
          <Group>
            {(['html', 'csv', 'json'] as const).map((format) => (
              <Button
                key={format}
                variant="default"
                leftSection={<Download size={18} aria-hidden />}
                onClick={() => void doing(() => download(pathOf(asked, format)))}
              >
                {t('download', { format: format.toUpperCase() })}
              </Button>
            ))}
          </Group>
          <Shown report={report} />
        </Stack>
      ) : null}
    </Page>
  )
}

function Shown({ report }: { report: Report }) {
  const t = useTranslations('reports')
  const format = useFormatter()
  return (
    <section>
      <Text c="dimmed" role="status">
        {t('inEnglish', {
          at: format.dateTime(new Date(report.made), { dateStyle: 'long', timeStyle: 'short' }),
        })}
      </Text>
      <div lang="en" dir="ltr">
        <Title order={2} mt="md">
          {report.title}
        </Title>
        {report.patient ? <Stranger>{report.patient}</Stranger> : null}
        {report.summary.map((table) => (
          <Rows key={table.name} table={table} />
        ))}
        <Rows
          table={{
            name: 'entries',
            title: 'Entries',
            columns: report.columns,
            rows: report.rows.slice(0, SHOWN),
          }}
        />
      </div>
      {report.rows.length > SHOWN ? <Text>{t('cut', { shown: SHOWN, all: report.rows.length })}</Text> : null}
      <div lang="en" dir="ltr">
        <Title order={3} mt="md">
          {IN_ENGLISH.absent}
        </Title>
        <ul>
          {report.omitted.map(({ what, why, count }) => (
            <li key={what}>
              <strong>
                <Stranger>{what}</Stranger>
                {count === undefined ? '' : ` (${count})`}
              </strong>{' '}
              {why}
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

function Rows({ table }: { table: ReportTable }) {
  const format = useFormatter()
  const text = (value: string | number | null | undefined, kind: string) => {
    if (value === null || value === undefined) return '–'
    if (kind === 'instant')
      return format.dateTime(new Date(String(value)), { dateStyle: 'medium', timeStyle: 'medium' })
    return typeof value === 'number' ? format.number(value) : value
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it by keys (WCAG 2.1.1)
    <section className={classes.wide} aria-label={table.title} tabIndex={0}>
      <table className={classes.table}>
        <caption>{table.title}</caption>
        <thead>
          <tr>
            {table.columns.map(({ key, title }) => (
              <th key={key} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.length === 0 ? (
            <tr>
              <td colSpan={table.columns.length}>{IN_ENGLISH.none}</td>
            </tr>
          ) : null}
          {table.rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a report is read once, and its rows have no name of their own
            <tr key={at}>
              {table.columns.map(({ key, kind }) => (
                <td key={key} className={kind === 'count' || kind === 'ms' ? classes.number : undefined}>
                  <Stranger>{text(row[key], kind)}</Stranger>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
