import { describe, expect, test } from 'vitest'
import type { ConsentDecision } from '../../../../../src/domain/consent/fhir/decide-consents.ts'
import { decide, request } from '../builders.ts'
import { type Line, readResidual } from '../reading.ts'
import { applying } from './applying.ts'
import { conflicts } from './conflicts.ts'
import { data } from './data.ts'
import { labels } from './labels.ts'
import { nesting } from './nesting.ts'
import { parties, purposes } from './parties.ts'
import { policies, unenforceable } from './policies.ts'
import type { Row } from './row.ts'

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'Which consents apply': applying,
  'Whom a consent means': parties,
  'What for': purposes,
  'Provisions within provisions': nesting,
  'How confidential': labels,
  'Which data': data,
  'Several consents': conflicts,
  'Policies instead of a type': policies,
  'What cannot be enforced': unenforceable,
}

type Rule = NonNullable<ConsentDecision['rule']>
const nameOf = ({ consent, path }: Rule) => `${consent} ${path}`

describe.each(Object.entries(TABLE))('%s', (_part, rows) => {
  test.each([...rows])('$rule', ({ consents, asked, decision, discloses = [], withholds = [], ...more }) => {
    const resources = [...discloses, ...withholds]
    const answer = decide(consents, request(asked), resources)
    expect(answer.decision).toBe(decision)
    expect(answer.resources.map((one) => one.decision)).toEqual([
      ...discloses.map(() => 'permit'),
      ...withholds.map(() => 'deny'),
    ])
    if (more.decidedBy) expect(answer.rule && nameOf(answer.rule)).toBe(more.decidedBy)
    if (more.beaten) expect(answer.beaten.map(nameOf)).toEqual(more.beaten)
    if (more.residual) expect(answer.residual).toEqual(more.residual)
    if (more.obligations) expect(answer.obligations).toEqual(more.obligations)

    // What holds for every row.
    expect(decide(consents.toReversed(), request(asked), resources)).toEqual(answer)
    for (const [index, verdict] of answer.resources.entries()) {
      expect(verdict.withheld === undefined).toBe(verdict.decision === 'permit')
      if (decision === 'permit' || decision === 'deny')
        expect(readResidual(answer.residual as Line[], resources[index] as never)).toBe(verdict.decision)
    }
    if (decision !== 'permit') expect(answer.obligations).toEqual([])
  })
})

test('the table has more than 150 rows, and no two of one name', () => {
  const sentences = Object.values(TABLE).flatMap((rows) => rows.map(({ rule }) => rule))
  expect(sentences.length).toBeGreaterThan(150)
  expect(new Set(sentences).size).toBe(sentences.length)
})
