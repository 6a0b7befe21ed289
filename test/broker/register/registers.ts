import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, BRAM, condition, observation, patient, somebody } from '../../support/samples.ts'
import {
  createWorld,
  eventually,
  type TestHospital,
  type World,
  type WorldOptions,
} from '../../support/world.ts'

/** What becomes of changes at a hospital's FHIR server, on whichever servers the world is made of. */
export function describeRegistration(servers: string, options: () => Promise<WorldOptions>): void {
  describe(`On ${servers},`, () => {
    let world: World
    let a: TestHospital
    let b: TestHospital

    beforeAll(async () => {
      world = await createWorld(await options())
      ;[a, b] = world.hospitals as [TestHospital, TestHospital]
      await a.put(patient('anna', ANNA))
      await a.put(patient('bram', BRAM))
      await a.put(condition('c1', 'anna', 'Hypertension'))
      await a.put(observation('o1', 'anna', 72))
      await a.settled()
      const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
      const wish = { to, purpose: 'TREAT', classes: ['problems', 'observations'] }
      await (await world.enrol(a, ANNA)).grant(wish)
      await (await world.enrol(a, BRAM)).grant(wish)
      await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.total === 2)
    }, 300_000)

    afterAll(() => world?.close())

    /** Entries of the record directory in the custodian's books, oldest first. */
    const entries = () => insideOf(a).db().selectFrom('records').selectAll().orderBy('seq').execute()
    const count = async () => (await entries()).length

    /** What B's HIS is shown of a person: resource by its own id, and whether it is the current version. */
    async function shown(person: typeof ANNA, status = 'current'): Promise<string[]> {
      const token = await b.his.token('TREAT')
      const answer = await fetch(`${b.broker.base}/fhir/DocumentReference/_search`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: new URLSearchParams({ 'patient.identifier': identifierText(person), status }),
      })
      const bundle = (await answer.json()) as { entry?: { resource: { id: string; status: string } }[] }
      const opened = await Promise.all(
        (bundle.entry ?? []).map(async ({ resource }) => {
          const { body, status: code } = await b.his.open(resource.id, 'TREAT')
          const { id, meta } = body as unknown as { id: string; meta: { versionId: string } }
          return code === 200 ? `${id}/${meta.versionId} ${resource.status}` : `${code} ${resource.status}`
        }),
      )
      return opened.sort()
    }

    const remove = (path: string) => fetch(`${a.fhir}/${path}`, { method: 'DELETE' })
    /** HAPI passes over a number when what was deleted comes back. */
    let again = ''
    const versionOf = async (path: string) => {
      const { meta } = (await (await fetch(`${a.fhir}/${path}`)).json()) as { meta: { versionId: string } }
      return meta.versionId
    }
    const becomes = (person: typeof ANNA, expected: string[], status?: string) =>
      eventually(async () => JSON.stringify(await shown(person, status)) === JSON.stringify(expected)).catch(
        async () => expect(await shown(person, status)).toEqual(expected),
      )

    describe('what happens at the FHIR server shows at the grantee:', () => {
      test('a new record is listed', async () => {
        await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
        await becomes(ANNA, ['c1/1 current', 'c2/1 current', 'o1/1 current'])
      })

      test('a new version is listed as current, and the one before as superseded; both can be opened', async () => {
        await a.put(observation('o1', 'anna', 80))
        await becomes(ANNA, ['c1/1 current', 'c2/1 current', 'o1/2 current'])
        expect(await shown(ANNA, 'superseded')).toEqual(['o1/1 superseded'])
        expect(await shown(ANNA, 'current,superseded')).toHaveLength(4)
      })

      test('a version that replaces one still waiting for its block is no alarm', async () => {
        await Promise.all([81, 82, 83].map((value) => a.put(observation('o2', 'anna', value))))
        await a.settled()
        await becomes(ANNA, ['c1/1 current', 'c2/1 current', 'o1/2 current', 'o2/3 current'])
        const alarms = [...(await insideOf(a).trail()), ...(await insideOf(b).trail())].filter(
          ({ kind }) => kind === 'alarm',
        )
        expect(alarms).toEqual([])
      })

      test('a deleted record is listed no more, by none of its versions, and can be made again', async () => {
        await remove('Condition/c2')
        await remove('Observation/o2')
        await becomes(ANNA, ['c1/1 current', 'o1/2 current'])
        expect(await shown(ANNA, 'superseded')).toEqual(['o1/1 superseded'])
        await a.put(condition('c2', 'anna', 'Asthma', '195967001'))
        again = `c2/${await versionOf('Condition/c2')} current`
        await becomes(ANNA, ['c1/1 current', again, 'o1/2 current'])
      })

      test('a record that was made and deleted before anybody looked is never listed', async () => {
        const before = await count()
        await a.stop()
        await a.put(condition('brief', 'anna', 'Hypertension'))
        await remove('Condition/brief')
        await a.start()
        await eventually(async () => (await count()) === before + 2)
        await becomes(ANNA, ['c1/1 current', again, 'o1/2 current'])
      })

      test('a record found to be sensitive leaves the compartment where it stood', async () => {
        await a.put(condition('c2', 'anna', 'HIV infection', '86406008'))
        await becomes(ANNA, ['c1/1 current', 'o1/2 current'])
        const kinds = (await entries())
          .slice(-2)
          .map(({ kind, compartment }) => ({ kind, sensitive: compartment.includes('+') }))
        expect(kinds).toEqual([
          { kind: 'retired', sensitive: false },
          { kind: 'snapshot', sensitive: true },
        ])
      })

      test('a record corrected to be another patient’s is no longer shown as the first one’s', async () => {
        await a.put(condition('wrong', 'anna', 'Gout', '90560007'))
        await becomes(ANNA, ['c1/1 current', 'o1/2 current', 'wrong/1 current'])
        await a.put(condition('wrong', 'bram', 'Gout', '90560007'))
        await becomes(ANNA, ['c1/1 current', 'o1/2 current'])
        await becomes(BRAM, ['wrong/2 current'])
      })

      test('and back again in one go', async () => {
        await a.stop()
        await a.put(condition('wrong', 'anna', 'Gout, again', '90560007'))
        await a.put(condition('wrong', 'bram', 'Gout, still', '90560007'))
        await a.put(condition('wrong', 'anna', 'Gout, after all', '90560007'))
        await a.start()
        await becomes(ANNA, ['c1/1 current', 'o1/2 current', 'wrong/5 current'])
        await becomes(BRAM, [])
      })
    })

    describe('of what is written,', () => {
      test('an unchanged PUT registers nothing', async () => {
        await a.settled()
        const before = await count()
        await a.put(condition('c1', 'anna', 'Hypertension'))
        await a.put(patient('anna', ANNA))
        await new Promise((done) => setTimeout(done, 1_200))
        expect(await count()).toBe(before)
      })

      test('a record of another server’s patient, of nobody, or of several patients is not registered', async () => {
        const before = await count()
        const of = (reference: string) => ({
          ...condition('elsewhere', 'anna', 'Hypertension'),
          subject: { reference },
        })
        await a.put({ ...of('http://elsewhere.example/fhir/Patient/anna'), id: 'e1' })
        await a.put({ ...of('Group/anna'), id: 'e2' })
        await a.put({ resourceType: 'Organization', id: 'org', name: 'A clinic' })
        const two = [{ actor: { reference: 'Patient/anna' } }, { actor: { reference: 'Patient/bram' } }]
        const participant = two.map((one) => ({ ...one, status: 'accepted' }))
        await a.put({ resourceType: 'Appointment', id: 'two', status: 'booked', participant })
        await a.put(condition('last', 'anna', 'Hypertension'))
        await eventually(async () => (await count()) > before)
        await new Promise((done) => setTimeout(done, 600))
        expect(await count()).toBe(before + 1)
      })

      test('a long transaction that commits after younger versions were read is registered whole', async () => {
        const before = await count()
        const entry = Array.from({ length: 120 }, (_, i) => {
          const resource = observation(`long-${i}`, 'bram', i)
          return { resource, request: { method: 'PUT', url: `Observation/${resource.id}` } }
        })
        const transaction = fetch(a.fhir, {
          method: 'POST',
          headers: { 'content-type': 'application/fhir+json' },
          body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
        })
        let others = 0
        const running = { yet: true }
        void transaction.finally(() => {
          running.yet = false
        })
        while (running.yet) await a.put(observation(`short-${others++}`, 'bram', others))
        expect((await transaction).status).toBe(200)
        await eventually(async () => (await count()) === before + 120 + others, 60_000)
      })

      test('each version has one entry, and each entry one pointer of 160 bytes, on the chain as in the books', async () => {
        const rows = await entries()
        const events = await eventually(async () => {
          const all = await insideOf(a)
            .index()
            .selectFrom('events')
            .selectAll()
            .where('name', '=', 'RecordRegistered')
            .execute()
          return all.length === rows.length && all
        })
        const versions = rows.flatMap(({ version_lookup }) => version_lookup ?? [])
        expect(new Set(versions).size).toBe(versions.length)
        expect(new Set(rows.map(({ tag }) => tag)).size).toBe(rows.length)
        const kinds = new Set(rows.map(({ kind }) => kind))
        expect([...kinds].sort()).toEqual(['retired', 'snapshot'])
        for (const { args } of events || []) {
          const { pointer, tag } = JSON.parse(args) as { pointer: string; tag: string }
          expect((pointer.length - 2) / 2).toBe(160)
          expect(Buffer.from(rows.find((row) => row.tag === tag)?.pointer ?? []).toString('hex')).toBe(
            pointer.slice(2),
          )
        }
      })

      test('nothing stands in clear in the index: no id, type, class, text or identifier', async () => {
        for (const hospital of [a, b]) {
          const events = await insideOf(hospital)
            .index()
            .selectFrom('events')
            .selectAll()
            .where('name', '=', 'RecordRegistered')
            .execute()
          const text = JSON.stringify(events)
          const bytes = Buffer.concat(
            events.map(({ args }) =>
              Buffer.from((JSON.parse(args) as { pointer: string }).pointer.slice(2), 'hex'),
            ),
          )
          for (const word of [
            'anna',
            'bram',
            'Condition',
            'Observation',
            'problems',
            'Gout',
            'HIV',
            '86406008',
            ANNA.value,
          ]) {
            expect(text).not.toContain(word)
            expect(bytes.includes(word)).toBe(false)
          }
          expect(Object.keys(JSON.parse(events[0]?.args ?? '{}') as object)).toEqual([
            'custodian',
            'tag',
            'commitment',
            'pointer',
          ])
        }
      })
    })

    test('a record that comes before its patient is registered, and found once the patient is there', async () => {
      const early = somebody(7)
      await a.put(condition('early', 'cees', 'Hypertension'))
      await eventually(() => insideOf(a).tagOf('Condition', 'early'))
      await a.put(patient('cees', early))
      const cees = await eventually(() => world.enrol(a, early))
      const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
      await cees.grant({ to, purpose: 'TREAT', classes: ['problems'] })
      await becomes(early, ['early/1 current'])
    })
  })
}
