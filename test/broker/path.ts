import type { Bundle, DocumentReference } from 'fhir/r4.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ANNA, condition, observation, patient } from '../support/samples.ts'
import {
  createWorld,
  eventually,
  type TestHospital,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { submission } from './publish/submissions.ts'

/** The way of one record from one hospital to another, on whichever servers the world is made of. */
export function describePath(servers: string, options: () => Promise<WorldOptions>): void {
  describe(`On ${servers},`, () => {
    let world: World
    let a: TestHospital
    let b: TestHospital

    beforeAll(async () => {
      world = await createWorld(await options())
      ;[a, b] = world.hospitals as [TestHospital, TestHospital]
      await a.put(patient('anna', ANNA))
      await a.put(condition('c1', 'anna', 'Hypertension'))
      await a.put(condition('c2', 'anna', 'HIV infection', '86406008'))
      await a.put(observation('o1', 'anna', 72))
      await a.settled()
    }, 300_000)

    afterAll(() => world?.close())

    test('a record is listed and opened while consent stands, and refused at once when it is revoked', async () => {
      const anna = await world.enrol(a, ANNA)
      const to = {
        granteeType: 'Organization' as const,
        grantee: `${b.config.identifier.system}|${b.config.identifier.value}`,
      }
      expect((await b.his.list(ANNA, 'TREAT')).body.total).toBe(0)

      await anna.grant({ to, purpose: 'TREAT', classes: ['problems', 'observations'] })
      const listed = await eventually(async () => {
        const { body } = await b.his.list(ANNA, 'TREAT')
        return body.total === 2 ? body : undefined
      })
      for (const entry of listed?.entry ?? []) {
        const opened = await b.his.open(entry.resource?.id ?? '', 'TREAT')
        expect(opened.status).toBe(200)
        expect(['c1', 'o1']).toContain(opened.body.id)
      }
      const id = listed?.entry?.[0]?.resource?.id ?? ''
      expect((await b.his.open(id, 'HRESCH')).code).toBe('not-available')

      await anna.revoke({ to, purpose: 'TREAT' })
      const refused = await b.his.open(id, 'TREAT')
      expect(refused.status).toBe(404)
      expect(refused.code).toBe('not-available')
      const history = await anna.history()
      expect(history.map((h) => h.kind)).toContain('disclosure')
    })

    test('a document that a HIS pushes is stored once, replaced by the next, and in all that is told of its patient', async () => {
      const anna = { reference: 'Patient/anna' }
      const letter = Buffer.from('%PDF-1.7 a letter')
      const push = (body: unknown) => a.his.fhir<Bundle>('POST', '', body)
      const first = await push(submission(1, letter, { identifier: ANNA }))
      expect([first.status, first.code]).toEqual([200, undefined])
      const id = /DocumentReference\/([^/]+)/.exec(first.body.entry?.[1]?.response?.location ?? '')?.[1]
      expect((await push(submission(1, letter, anna))).code).toBe('document-duplicate')
      const relatesTo = [{ code: 'replaces', target: { reference: `DocumentReference/${id}` } }]
      expect((await push(submission(2, letter, anna, { relatesTo }))).status).toBe(200)
      const told = await eventually(async () => {
        const { body } = await a.his.fhir<Bundle>('GET', 'Patient/anna/$everything?_type=DocumentReference')
        const documents = (body.entry ?? []).flatMap(({ resource }) =>
          resource?.resourceType === 'DocumentReference' ? [resource as DocumentReference] : [],
        )
        const statuses = documents.map(({ status }) => status).sort()
        return statuses.join() === 'current,superseded' && documents
      })
      for (const { subject, content } of told) {
        expect(subject?.reference).toBe('Patient/anna')
        expect(Buffer.from(content[0]?.attachment.data ?? '', 'base64').equals(letter)).toBe(true)
      }
      const summary = await a.his.fhir<Bundle>('GET', 'Patient/anna/$summary')
      expect(JSON.stringify(summary.body)).toContain('Hypertension, 2020-03-01 (Hospital A)')
    }, 60_000)
  })
}
