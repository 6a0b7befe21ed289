import { expect, test } from 'vitest'
import { contentLinksOf } from '../../../src/domain/records/contents.ts'
import { isResourceId } from '../../../src/domain/records/resource-id.ts'

test('an id is what FHIR says, save the two that are steps in an address', () => {
  for (const id of ['a', '1', 'a.b', '...', '.a', 'a-B.9', 'x'.repeat(64)])
    expect([id, isResourceId(id)]).toEqual([id, true])
  for (const id of ['', '.', '..', 'x'.repeat(65), 'a/b', 'a%2fb', 'a b', 'a\n', 'ä'])
    expect([id, isResourceId(id)]).toEqual([id, false])
})

test('an attachment that names such a step names no content', () => {
  const named = (url: string) =>
    contentLinksOf({ attachment: { url, contentType: 'application/pdf' } }, 'http://fhir')
  expect(named('Binary/one')).toHaveLength(1)
  for (const url of [
    'Binary/..',
    'Binary/.',
    'Binary/one/_history/..',
    'Binary/../Patient/one',
    '../Patient/one',
  ])
    expect([url, named(url)]).toEqual([url, []])
})
