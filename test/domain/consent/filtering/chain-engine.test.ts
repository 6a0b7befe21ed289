import { describe, expect, test } from 'vitest'
import { type DataClass, dataClassOf } from '../../../../src/domain/consent/data-classes.ts'
import { type Candidate, decide } from '../../../../src/domain/consent/decide.ts'
import type { FilterRules } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { asked, objection, permit } from '../decision-world.ts'
import { observation, ours, outcome, rulesOf, searchset, secret } from './answers.ts'

/** The decision on words and terms of the chain as the judge. What is of a class that nobody asked about is silent. */
const judgedBy = (...candidates: Candidate[]): FilterRules =>
  rulesOf({
    verdict: (resource, { kinds }) => {
      const dataClass = dataClassOf(resource as { resourceType: string })
      const said = decide(asked(candidates, { record: { dataClass, kinds } }))
      if (said.decision === 'permit') return { decision: 'permit' }
      return { decision: 'deny', why: said.reason, silent: said.reason === 'class-not-covered' }
    },
  })

describe('consents on the chain judge an answer like FHIR Consents do', () => {
  const sprain = {
    resourceType: 'Condition',
    id: 'c',
    subject: ours,
    recorder: { reference: 'Practitioner/d' },
  }
  const doctor = { resourceType: 'Practitioner', id: 'd' }
  const answer = searchset(sprain, doctor, observation('o'), secret('s'))
  const terms = (dataClasses: DataClass[], sensitivities: string[] = []) => ({
    terms: { dataClasses, sensitivities },
  })

  test('by class and kind, with what describes no patient', () => {
    expect(outcome(answer, judgedBy(permit(terms(['problems'])))).released).toEqual([
      'Condition/c',
      'Practitioner/d',
    ])
    expect(outcome(answer, judgedBy(permit(terms(['observations'])))).released).toEqual(['Observation/o'])
    expect(outcome(answer, judgedBy(permit(terms(['observations', 'problems'], ['HIV'])))).released).toEqual([
      'Condition/c',
      'Practitioner/d',
      'Observation/o',
      'Observation/s',
    ])
  })

  test('and an objection, a purpose that is not covered, or no consent withholds everything', () => {
    const open = permit(terms(['observations', 'problems']))
    for (const candidates of [
      [],
      [objection()],
      [open, objection()],
      [permit({ ...terms(['problems']), purpose: 'HRESCH' })],
    ])
      expect(outcome(answer, judgedBy(...candidates)).released).toEqual([])
  })
})
