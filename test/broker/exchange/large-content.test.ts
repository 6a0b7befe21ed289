import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { ANNA, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

const MB = 1024 * 1024
/** Chains, databases, two brokers, both FHIR servers and the HIS of this world are one process: all of it may grow by this. */
const BOUND = 64 * MB
/** Beyond the bound, so that who holds all of it anywhere is found out. */
const SIZE = Number(process.env.CONTENT_MB ?? 128) * MB

let world: World
let a: TestHospital
let b: TestHospital
beforeAll(async () => {
  world = await createWorld()
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
}, 60_000)
afterAll(() => world?.close())

/** Pieces that are not alike, made as they are asked for. */
function* much(): Generator<Buffer> {
  const piece = Buffer.alloc(MB)
  for (let i = 0; i < SIZE / MB; i++) {
    piece.writeUInt32LE(i, 0)
    yield Buffer.from(piece)
  }
}

/** The most that this process holds while something goes on, beyond what it held before. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let most = before
  const look = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 20)
  await work()
  clearInterval(look)
  return most - before
}

test(`a content of ${SIZE / MB} MB is registered, released, verified and received in constant memory`, async () => {
  const hash = createHash('sha256')
  for (const piece of much()) hash.update(piece)
  const wanted = hash.digest('hex')
  await a.put(patient('anna', ANNA))
  const put = await growth(async () => {
    const headers = { 'content-type': 'application/dicom' }
    const body = Readable.from(much())
    const answer = await request(`${a.fhir}/Binary/scan`, { method: 'PUT', headers, body })
    expect(answer.statusCode).toBe(201)
    await answer.body.dump()
  })
  const registered = await growth(async () => {
    await a.put({
      resourceType: 'DocumentReference',
      id: 'd1',
      meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' }] },
      status: 'current',
      subject: { reference: 'Patient/anna' },
      content: [{ attachment: { contentType: 'application/dicom', url: 'Binary/scan' } }],
    })
    await a.settled()
  })
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['documents'] })
  const id = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
  const received = await growth(async () => {
    const answer = await request(`${b.broker.base}/fhir/Binary/${id}/attachment/0`, {
      headers: { authorization: `Bearer ${await b.his.token('TREAT')}` },
    })
    expect(answer.statusCode).toBe(200)
    const got = createHash('sha256')
    for await (const piece of answer.body) got.update(piece as Buffer)
    expect(got.digest('hex')).toBe(wanted)
  })
  console.log(
    `${SIZE / MB} MB; grown while put, registered and received: ${[put, registered, received].map((n) => (n / MB).toFixed(1)).join(', ')} MB`,
  )
  expect(Math.max(registered, received)).toBeLessThan(BOUND)
}, 600_000)
