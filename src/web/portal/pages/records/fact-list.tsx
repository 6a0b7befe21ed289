import { Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { Fact, FactValue } from '../../../../domain/own-record/facts.ts'
import { shortened } from './long-text.ts'
import { useRecordWords } from './record-words.ts'
import classes from './records.module.css'

/** What a layperson can use of a record. */
export function FactList({ facts }: { facts: readonly Fact[] }) {
  const words = useRecordWords()
  return (
    <dl className={classes.facts}>
      {facts.map((fact, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a record's facts never change place
        <div key={place} className={classes.fact}>
          <dt>{words.fact(fact)}</dt>
          <dd>
            <Value value={fact.value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** One thing that a record tells, and whether it is usual. */
export function Value({ value }: { value: FactValue }) {
  const words = useRecordWords()
  if (value.is === 'parts') {
    return (
      <ul className={classes.parts}>
        {value.parts.map((part, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a record's parts never change place
          <li key={place}>
            {part.title === undefined ? null : <bdi>{shortened(part.title)}: </bdi>}
            {part.value ? <Value value={part.value} /> : null}
          </li>
        ))}
      </ul>
    )
  }
  const verdict = words.verdict(value)
  const isOff = value.is === 'measured' && value.verdict !== undefined && value.verdict !== 'inside'
  return (
    <>
      <bdi>{shortened(words.value(value))}</bdi>
      {verdict === '' ? null : (
        <Text component="span" size="sm" fw={isOff ? 650 : 400} className={classes.verdict}>
          {isOff ? <TriangleAlert aria-hidden size={18} /> : null}
          {verdict}
        </Text>
      )}
    </>
  )
}
