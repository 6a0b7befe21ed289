import { Table } from '@mantine/core'
import { useFormatter, useTranslations } from 'use-intl'
import { harmless } from '../../../shared/harmless.ts'
import { LANGUAGES } from '../../../shared/languages.ts'
import { useLanguage } from '../../../shared/providers.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { OwnHospital } from '../../device/device.tsx'
import { PartyName } from '../../own/party-name.tsx'
import { dayInWords } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import classes from './home.module.css'
import type { PartyShares } from './ways.ts'

/** In units of the picture, which is drawn about as wide as a small telephone. */
const WIDTH = 320
const BOX = { width: 134, height: 46, gap: 12 }
const TOP = 26
/** More parties than this would be a thicket; the table has them all. */
const MOST = 8
const LETTERS = 18

/** Hospitals on the side where reading starts, those who see something on the other, and a way for each share. */
export function Picture({
  hospitals,
  seeing,
}: {
  hospitals: readonly OwnHospital[]
  seeing: readonly PartyShares[]
}) {
  const t = useTranslations('home')
  const terms = useTerms()
  const format = useFormatter()
  const { direction } = LANGUAGES[useLanguage().language]
  const shown = seeing.length > MOST ? seeing.slice(0, MOST - 1) : seeing
  const rows = Math.max(hospitals.length, shown.length + (shown.length < seeing.length ? 1 : 0), 1)
  const height = TOP + rows * (BOX.height + BOX.gap)
  const mirrored = direction === 'rtl'
  const [near, far] = mirrored ? [WIDTH - BOX.width - 2, 2] : [2, WIDTH - BOX.width - 2]
  const yOf = (at: number, count: number) =>
    TOP + at * (BOX.height + BOX.gap) + ((rows - count) * (BOX.height + BOX.gap)) / 2
  const from = mirrored ? near : near + BOX.width
  const to = mirrored ? far + BOX.width : far
  const tip = mirrored ? 7 : -7
  const middle = (y: number) => y + BOX.height / 2
  return (
    <>
      <svg
        className={classes.picture}
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={t('pictureAlt')}
      >
        <text className={classes.side} x={near + BOX.width / 2} y={14}>
          {t('pictureHospitals')}
        </text>
        <text className={classes.side} x={far + BOX.width / 2} y={14}>
          {t('pictureParties')}
        </text>
        {shown.flatMap(({ to: party, at }, row) =>
          [...new Set(at.map(({ hospital }) => hospital.member.id))].map((id) => {
            const start = middle(
              yOf(
                hospitals.findIndex(({ member }) => member.id === id),
                hospitals.length,
              ),
            )
            const end = middle(yOf(row, shown.length))
            const bend = (from + to) / 2
            return (
              <g key={`${id} ${party.granteeType} ${party.grantee}`}>
                <path
                  className={classes.way}
                  d={`M${from} ${start} C${bend} ${start} ${bend} ${end} ${to + tip} ${end}`}
                />
                <path className={classes.tip} d={`M${to} ${end} l${tip} -5 v10 z`} />
              </g>
            )
          }),
        )}
        {hospitals.map(({ member }, row) => (
          <Box key={member.id} kind="box" x={near} y={yOf(row, hospitals.length)} text={member.name} />
        ))}
        {shown.map(({ to: party }, row) => (
          <Box
            key={`${party.granteeType} ${party.grantee}`}
            kind="party"
            x={far}
            y={yOf(row, shown.length)}
            text={terms.party(party)}
          />
        ))}
        {shown.length < seeing.length ? (
          <text className={classes.label} x={far + BOX.width / 2} y={middle(yOf(shown.length, shown.length))}>
            {t('more', { count: seeing.length - shown.length })}
          </text>
        ) : null}
      </svg>
      <details>
        <summary>{t('table')}</summary>
        <Table className={classes.table} mt="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{t('tableHospital')}</Table.Th>
              <Table.Th scope="col">{t('tableParty')}</Table.Th>
              <Table.Th scope="col">{t('tableUntil')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {seeing.flatMap(({ to: party, at }) =>
              at.map(({ hospital, share }) => (
                <Table.Tr key={share.scopeHash}>
                  <Table.Td>
                    <Stranger>{hospital.member.name}</Stranger>
                  </Table.Td>
                  <Table.Td>
                    <PartyName to={party} />
                  </Table.Td>
                  <Table.Td>
                    {share.consent.until ? dayInWords(share.consent.until, { format }) : ''}
                  </Table.Td>
                </Table.Tr>
              )),
            )}
          </Table.Tbody>
        </Table>
      </details>
    </>
  )
}

function Box({ kind, x, y, text }: { kind: 'box' | 'party'; x: number; y: number; text: string }) {
  const lines = inLines(harmless(text))
  const first = y + BOX.height / 2 + 4.5 - (lines.length - 1) * 8
  return (
    <>
      <rect className={classes[kind]} x={x} y={y} width={BOX.width} height={BOX.height} rx={10} />
      {lines.map((line, at) => (
        <text key={line} className={classes.label} x={x + BOX.width / 2} y={first + at * 16}>
          {line}
        </text>
      ))}
    </>
  )
}

/** Two lines at most; what is longer is cut, and the table has it whole. */
function inLines(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && [...`${last} ${word}`].length <= LETTERS)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  const [first = '', second, ...others] = lines
  const cut = (line: string, always = false) => {
    const letters = [...line]
    return letters.length > LETTERS || always ? `${letters.slice(0, LETTERS - 1).join('')}…` : line
  }
  return second === undefined ? [cut(first)] : [cut(first), cut(second, others.length > 0)]
}
