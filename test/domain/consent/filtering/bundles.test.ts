import { describe, expect, test } from 'vitest'
import { filterAnswer } from '../../../../src/domain/consent/filtering/filter-answer.ts'
import { readAnswer } from '../../../../src/domain/consent/filtering/read-answer.ts'
import {
  BASE,
  bundleOf,
  entryOf,
  observation,
  ours,
  outcome,
  type Resource,
  rulesOf,
  searchset,
  secret,
  theirs,
  thePatient,
} from './answers.ts'

const normal = {
  security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }],
}
const told = rulesOf({ tellsRedactions: true })

describe('nothing around what is released tells of what is not', () => {
  const answer = {
    ...bundleOf('searchset', [
      {
        fullUrl: `${BASE}/Observation/o`,
        resource: observation('o'),
        search: { mode: 'match', score: 0.3 },
        link: [{ relation: 'x', url: 'canary' }],
        extension: [{ url: 'canary' }],
        response: { status: '200', location: 'Observation/s' },
      },
      { fullUrl: `${BASE}/Observation/s`, resource: secret('s'), search: { mode: 'match', score: 0.9 } },
    ]),
    id: 'canary',
    meta: { lastUpdated: '2025-01-01T00:00:00Z', security: [{ code: 'HIV' }] },
    total: 2,
    link: [{ relation: 'next', url: `${BASE}?page=canary` }],
    identifier: { value: 'canary' },
    timestamp: '2025-01-01T00:00:00Z',
    signature: { data: 'canary' },
  }
  test('neither total, links, scores, headers nor signature', () => {
    expect(filterAnswer(answer, rulesOf()).answer).toEqual({
      resourceType: 'Bundle',
      type: 'searchset',
      entry: [{ fullUrl: `${BASE}/Observation/o`, resource: observation('o'), search: { mode: 'match' } }],
    })
  })
  test('an answer of which all is withheld is an empty one', () => {
    const nothing = { resourceType: 'Bundle', type: 'searchset' }
    expect(filterAnswer(searchset(secret('s'), secret('t')), rulesOf()).answer).toEqual(nothing)
    expect(filterAnswer(searchset(), rulesOf()).answer).toEqual(nothing)
  })
  test('what the server says of its answer stays behind', () => {
    const said: Resource = {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'warning', code: 'suppressed', diagnostics: 'canary' }],
    }
    expect(filterAnswer(bundleOf('searchset', [entryOf(said, 'outcome')]), told)).toEqual({
      answer: { resourceType: 'Bundle', type: 'searchset' },
      withheld: [{ path: 'entry[0]', reason: 'outcome-of-server' }],
      released: 0,
    })
    expect(outcome(said).released).toEqual([])
  })
})

describe('where redaction may be known', () => {
  test('it is told once, without a number, and the answer bears a tag', () => {
    const redacted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'REDACTED' }
    const one = filterAnswer(searchset(observation('o'), secret('s')), told).answer
    const many = filterAnswer(searchset(secret('s'), observation('o'), secret('t'), secret('u')), told).answer
    expect(one).toEqual(many)
    expect(one).toMatchObject({
      meta: { security: [redacted] },
      entry: [
        { resource: { id: 'o' } },
        {
          search: { mode: 'outcome' },
          resource: {
            resourceType: 'OperationOutcome',
            meta: { security: [redacted] },
            issue: [{ code: 'suppressed' }],
          },
        },
      ],
    })
  })
  test('it is not told of what is not the patient’s', () => {
    const answer = searchset(observation('o'), observation('x', { subject: theirs }), {
      resourceType: 'Organization',
      id: 'y',
    })
    expect(filterAnswer(answer, told).answer).toEqual(
      filterAnswer(searchset(observation('o')), rulesOf()).answer,
    )
  })
  test('of a single resource it is all there is to tell', () => {
    expect(filterAnswer(secret('s'), told).answer).toMatchObject({ resourceType: 'OperationOutcome' })
    expect(filterAnswer(secret('s'), rulesOf()).answer).toBeUndefined()
    expect(filterAnswer(observation('s', { subject: theirs }), told).answer).toBeUndefined()
  })
  test('other Bundles bear the tag only', () => {
    expect(filterAnswer(bundleOf('collection', [entryOf(secret('s'))]), told).answer).toEqual({
      resourceType: 'Bundle',
      meta: { security: [expect.objectContaining({ code: 'REDACTED' })] },
      type: 'collection',
    })
  })
})

describe('a history', () => {
  const version = (resource: Resource, n: number) => ({
    fullUrl: `${BASE}/Observation/${resource.id}`,
    resource: { ...resource, meta: { ...(resource.meta as object), versionId: String(n) } },
    request: { method: 'PUT', url: `Observation/${resource.id}`, ifMatch: 'canary' },
    response: {
      status: '200 OK',
      etag: `W/"${n}"`,
      lastModified: '2025-01-01T00:00:00Z',
      location: `Observation/${resource.id}/_history/${n}`,
      outcome: { resourceType: 'OperationOutcome', id: 'canary' },
    },
  })
  const deletion = (id: string) => ({
    fullUrl: 'canary',
    request: { method: 'DELETE', url: `Observation/${id}` },
    response: { status: '204', etag: 'W/"9"', lastModified: '2025-02-01T00:00:00Z' },
  })
  test('keeps deletions of what is released, and no others', () => {
    const answer = bundleOf('history', [
      deletion('o'),
      deletion('x'),
      deletion('s'),
      version(observation('o'), 2),
      version(secret('s'), 1),
    ])
    expect(filterAnswer(answer, rulesOf()).answer?.entry).toEqual([
      { request: { method: 'DELETE', url: 'Observation/o' }, response: deletion('o').response },
      {
        fullUrl: `${BASE}/Observation/o`,
        resource: version(observation('o'), 2).resource,
        request: { method: 'PUT', url: 'Observation/o' },
        response: {
          status: '200',
          etag: 'W/"2"',
          lastModified: '2025-01-01T00:00:00Z',
          location: 'Observation/o/_history/2',
        },
      },
    ])
  })
  test('is withheld in all versions where one is: their numbers would tell', () => {
    expect(
      outcome(
        bundleOf('history', [
          version(observation('o'), 3),
          version(secret('o'), 2),
          version(observation('o'), 1),
        ]),
      ).released,
    ).toEqual([])
  })
})

describe('Bundles in Bundles', () => {
  test('are opened, and those of which nothing is left vanish', () => {
    const answer = bundleOf('batch-response', [
      { resource: searchset(observation('a'), secret('s')), response: { status: '200', location: 'canary' } },
      { resource: { ...searchset(secret('t')), id: 'canary', total: 1 }, response: { status: '200' } },
    ])
    const { answer: released } = filterAnswer(answer, rulesOf())
    expect(released?.entry).toEqual([
      {
        resource: {
          resourceType: 'Bundle',
          type: 'searchset',
          entry: [{ resource: observation('a'), search: { mode: 'match' } }],
        },
        response: { status: '200' },
      },
    ])
  })
  test('deeper than anybody nests them are withheld', () => {
    const nested = (depth: number): Resource =>
      depth === 0 ? observation('o') : bundleOf('collection', [entryOf(nested(depth - 1))])
    expect(outcome(nested(5)).released).toEqual(['Observation/o'])
    expect(outcome(nested(20))).toEqual({
      released: [],
      withheld: { [Array(9).fill('entry[0].resource').join('.')]: 'too-deep' },
    })
  })
  test('refer to each other like entries of one', () => {
    const list = {
      resourceType: 'List',
      id: 'l',
      subject: ours,
      entry: [{ item: { reference: 'Observation/s' } }],
    }
    expect(
      outcome(bundleOf('collection', [entryOf(list), entryOf(searchset(secret('s')))])).released,
    ).toEqual([])
  })
  test('labels on what was stored as one count for all of it, labels on an answer for nothing', () => {
    const meta = secret('x').meta
    const stored = bundleOf('collection', [entryOf(observation('o'))], { meta })
    expect(outcome(stored).released).toEqual([])
    expect(outcome({ ...searchset(observation('o')), meta }).released).toEqual(['Observation/o'])
  })
  test('an objection to one of them counts for what is in it and what refers to it', () => {
    const stored = bundleOf('collection', [entryOf(observation('o'))], { id: 'b' })
    const refers = observation('r', { derivedFrom: [{ reference: 'Bundle/b' }] })
    const answer = bundleOf('collection', [entryOf(stored), entryOf(refers), entryOf(observation('k'))])
    expect(outcome(answer).released).toEqual(['Observation/o', 'Observation/r', 'Observation/k'])
    expect(outcome(answer, rulesOf({ about: ['Bundle/b'] })).released).toEqual(['Observation/k'])
  })
  test('requests answer to nobody: they come out as a collection', () => {
    const posted = {
      resource: observation('o'),
      request: { method: 'POST', url: 'Observation', ifNoneExist: 'canary' },
    }
    expect(filterAnswer(bundleOf('transaction', [posted]), rulesOf()).answer).toEqual({
      resourceType: 'Bundle',
      type: 'collection',
      entry: [{ resource: observation('o') }],
    })
  })
})

describe('a document is released whole or not at all', () => {
  const document = (...inside: Resource[]): Resource & { entry: unknown[] } => ({
    resourceType: 'Bundle',
    type: 'document',
    entry: [
      {
        fullUrl: `${BASE}/Composition/c`,
        resource: {
          resourceType: 'Composition',
          id: 'c',
          meta: normal,
          subject: ours,
          section: inside.map(({ resourceType, id }) => ({
            entry: [{ reference: `${resourceType}/${id}` }],
          })),
        },
      },
      ...inside.map((resource) => ({ fullUrl: `${BASE}/${resource.resourceType}/${resource.id}`, resource })),
    ],
    id: 'd',
    identifier: { system: 'urn:x', value: '1' },
    timestamp: '2025-01-01T00:00:00Z',
    signature: { who: { reference: 'Practitioner/d' }, data: 'AA==' },
  })
  test('as it is, with its signature', () => {
    const whole = document(observation('o'), thePatient)
    expect(filterAnswer(whole, rulesOf()).answer).toBe(whole)
    expect(filterAnswer(bundleOf('collection', [entryOf(whole)]), rulesOf()).answer?.entry).toEqual([
      { resource: whole },
    ])
  })
  test('and with it what is in it, where anything is withheld', () => {
    expect(outcome(document(observation('o'), secret('s'))).released).toEqual([])
    const beside = bundleOf('collection', [entryOf(document(secret('s'))), entryOf(observation('k'))])
    expect(outcome(beside).released).toEqual(['Observation/k'])
    expect(filterAnswer(document(secret('s')), told).answer).toMatchObject({
      resourceType: 'OperationOutcome',
    })
  })
  test('and not where it bears more than a document does', () => {
    for (const more of [{ total: 1 }, { link: [] }, { extension: [] }, { signature: { who: theirs } }])
      expect(outcome({ ...document(observation('o')), ...more }).released).toEqual([])
  })
  test('also within another', () => {
    const inner = document(secret('s'))
    expect(
      outcome({
        ...document(observation('o')),
        entry: [...document(observation('o')).entry, { resource: inner }],
      }).released,
    ).toEqual([])
  })
})

describe('malformed entries are withheld, and others go on', () => {
  const good = entryOf(observation('good'))
  test.each<[string, unknown]>([
    ['null', null],
    ['a string', 'Observation/x'],
    ['a list', [entryOf(observation('x'))]],
    ['without a resource', { fullUrl: `${BASE}/Observation/x` }],
    ['a resource that is a list', { resource: [observation('x')] }],
    ['two types', { resource: { ...observation('x'), resourceType: ['Observation', 'Condition'] } }],
    ['a type that is no text', { resource: { ...observation('x'), resourceType: { toString: 1 } } }],
    [
      'a label that is no text',
      {
        resource: observation('x', {
          meta: {
            security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: { toString: 1 } }],
          },
        }),
      },
    ],
    ['no type', { resource: { ...observation('x'), resourceType: undefined } }],
    ['a type that R4 has not', { resource: { ...observation('x'), resourceType: 'Secret' } }],
    ['no id', { resource: { ...observation('x'), id: undefined } }],
    ['an id that is a number', { resource: { ...observation('x'), id: 7 } }],
    ['an id with a path', { resource: { ...observation('x'), id: '../Patient/q' } }],
    ['an address of another resource', { fullUrl: `${BASE}/Observation/y`, resource: observation('x') }],
    ['an address that is none', { fullUrl: 'canary', resource: observation('x') }],
    ['a mode that R4 has not', entryOf(observation('x'), 'secret')],
    ['a record as outcome', entryOf(observation('x'), 'outcome')],
    ['a search that is none', { resource: observation('x'), search: 'match' }],
    [
      'a resource within an element',
      { resource: observation('x', { component: [{ valueQuantity: observation('y') }] }) },
    ],
    ['a Bundle without a type', { resource: { resourceType: 'Bundle', entry: [entryOf(observation('x'))] } }],
    [
      'a Bundle whose entry is an object',
      { resource: { resourceType: 'Bundle', type: 'collection', entry: entryOf(observation('x')) } },
    ],
    [
      'Parameters that hold a resource',
      { resource: { resourceType: 'Parameters', id: 'x', parameter: [{ resource: observation('y') }] } },
    ],
    ['a meta that is none', { resource: observation('x', { meta: [] }) }],
  ])('%s', (_, entry) => {
    expect(outcome(bundleOf('searchset', [entry, good])).released).toEqual(['Observation/good'])
  })

  const read = (text: string) => outcome(readAnswer(new TextEncoder().encode(text)))
  const text = JSON.stringify(good)
  const bundled = (...entries: string[]) =>
    `{"resourceType":"Bundle","type":"searchset","entry":[${entries.join(' , ')}]}`
  test.each([
    ['a key twice', JSON.stringify(entryOf(observation('x'))).replace('"id":', '"id":"y","id":')],
    [
      'a type twice',
      JSON.stringify(entryOf(observation('x'))).replace(
        '"resourceType":',
        '"resourceType":"Patient","resourceType":',
      ),
    ],
    [
      'a subject twice, once escaped',
      JSON.stringify(entryOf(observation('x'))).replace(
        '"subject":',
        String.raw`"\u0073ubject":{"reference":"Patient/q"},"subject":`,
      ),
    ],
    [
      'a resource twice',
      `{"resource":${JSON.stringify(observation('x'))},"resource":${JSON.stringify(observation('x'))}}`,
    ],
    [
      'a prototype',
      JSON.stringify(entryOf(observation('x'))).replace('"id":', '"__proto__":{"subject":1},"id":'),
    ],
    [
      'a prototype that is a string',
      JSON.stringify(entryOf(observation('x'))).replace('"id":', '"__proto__":"x","id":'),
    ],
    [
      'a number that would not survive',
      JSON.stringify(entryOf(observation('x', { valueInteger: 0 }))).replace(
        '"valueInteger":0',
        '"valueInteger":12345678901234567890',
      ),
    ],
    ['nothing', ''],
  ])('%s, in the bytes', (_, entry) => {
    expect(read(bundled(text, entry)).released).toEqual(['Observation/good'])
    expect(read(bundled(entry, text)).released).toEqual(['Observation/good'])
  })

  test('whatever looks like entries and is none does not confuse the reading', () => {
    const spoilt = text.replace('"id":', '"id":"y","id":')
    for (const around of [
      '"language":"entry","x":["a","b"]',
      '"x":{"entry":[{"a":1},{"b":2}]}',
      '"x":"\\"entry\\":[{},{}]"',
      '"x":[["entry",[1,2]]],"y":"]"',
    ]) {
      const both = bundled(text, spoilt)
      expect(read(both.replace('"type"', `${around},"type"`)).released, around).toEqual(['Observation/good'])
      expect(read(`${both.slice(0, -1)},${around}}`).released, around).toEqual(['Observation/good'])
    }
  })

  test('an answer that cannot be read is refused as a whole', () => {
    for (const wrong of [
      '',
      '{',
      bundled(text).replace('"type"', '"entry":[],"type"'),
      bundled(text).replace('"type"', '"type":"collection","type"'),
      bundled(text) + bundled(text),
      bundled('}'),
      '\u0000',
    ])
      expect(() => readAnswer(new TextEncoder().encode(wrong)), wrong).toThrow()
    expect(() => readAnswer(Uint8Array.of(0x22, 0xff, 0x22))).toThrow()
    for (const other of [
      null,
      7,
      'x',
      [],
      {},
      { resourceType: 'Bundle' },
      { resourceType: 'Bundle', type: 'searchset', entry: {} },
    ])
      expect(filterAnswer(other, rulesOf())).toMatchObject({
        released: 0,
        withheld: [{ path: '', reason: 'malformed' }],
      })
  })
})
