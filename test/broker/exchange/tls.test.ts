import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishProfile } from '../../../src/chain/member-profile.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createIndexQueries, type MemberProfile } from '../../../src/indexer/index.ts'
import { spkiPin } from '../../../src/outward/spki-pin.ts'
import { certify } from '../../../src/sandbox/certificates.ts'
import { insideOf } from '../../support/inside.ts'
import { ANNA, condition, patient } from '../../support/samples.ts'
import { createWorld, eventually, type TestHospital, type World } from '../../support/world.ts'

let world: World
let a: TestHospital
let b: TestHospital
/** What B's HIS calls A's record. */
let record: string

beforeAll(async () => {
  world = await createWorld({ tls: true })
  ;[a, b] = world.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  const anna = await world.enrol(a, ANNA)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(b.config.identifier) }
  await anna.grant({ to, purpose: 'TREAT', classes: ['problems'] })
  record = await eventually(async () => (await b.his.list(ANNA, 'TREAT')).body.entry?.[0]?.resource?.id)
}, 60_000)
afterAll(() => world?.close())

const files = () => a.config.tls as { cert: string; key: string; nextCert?: string }
const authority = () => {
  const ca = a.config.peers?.ca ?? ''
  return { cert: readFileSync(ca, 'utf8'), key: readFileSync(ca.replace('ca.pem', 'ca-key.pem'), 'utf8') }
}
/** The profile of A as B's index has it. */
const profile = () => createIndexQueries(insideOf(b).index()).profile(a.member)

/** The key that A's server shows to a new connection. */
function shown(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port: a.config.port, rejectUnauthorized: false }, () => {
    const certificate = socket.getPeerX509Certificate()
    resolve(certificate ? spkiPin(certificate) : '')
    socket.end()
  })
  socket.on('error', reject)
  return promise
}

/** Publishes another profile of A, as whoever has its operator's key can. */
async function publish(changes: Partial<MemberProfile>): Promise<void> {
  const { id: _, ...before } = (await profile()) as MemberProfile
  const profileNow = { ...before, ...changes } as Parameters<typeof publishProfile>[0]['profile']
  await publishProfile({
    ...{ db: insideOf(a).db(), clock: a.clock, contracts: a.config.chain.contracts as never },
    ...{ member: a.member, profile: profileNow, known: undefined },
  })
  await eventually(async () => {
    const now = await profile()
    return (
      now?.endpoint === profileNow.endpoint &&
      JSON.stringify(now.tlsPins) === JSON.stringify(profileNow.tlsPins)
    )
  })
}

test('a record is fetched over TLS from a server that shows the key which the chain pins', async () => {
  expect(a.broker.base).toMatch(/^https:/)
  expect((await profile())?.tlsPins).toEqual([await shown()])
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
})

test('a key is rotated while others read: the next one is pinned first, and no read fails', async () => {
  const next = await certify(authority(), 'Hospital A, next year')
  const [oldPin, nextPin] = [await shown(), spkiPin(next.cert)]
  let reading = true
  const codes = new Map<string, number>()
  const reads = (async () => {
    while (reading) {
      const { status, code } = await b.his.open(record, 'TREAT')
      const said = `${status} ${code ?? ''}`.trim()
      codes.set(said, (codes.get(said) ?? 0) + 1)
    }
  })()

  // 1: the next certificate lies beside the present one, and its key is pinned.
  const nextFile = files().cert.replace('tls.pem', 'tls-next.pem')
  writeFileSync(nextFile, next.cert)
  files().nextCert = nextFile
  await a.broker.reloadTls()
  await eventually(async () => (await profile())?.tlsPins?.join() === `${oldPin},${nextPin}`)
  expect(await shown()).toBe(oldPin)
  // Who began to read before that still holds the former profile: an operator waits for them.
  const before = codes.get('200') ?? 0
  await eventually(async () => (codes.get('200') ?? 0) >= before + 2)

  // 2: it takes the place of the present one; the former pin goes.
  writeFileSync(files().key, next.key)
  writeFileSync(files().cert, next.cert)
  delete files().nextCert
  await a.broker.reloadTls()
  expect(await shown()).toBe(nextPin)
  await eventually(async () => (await profile())?.tlsPins?.join() === nextPin)
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
  reading = false
  await reads
  expect([...codes.keys()]).toEqual(['200'])
  expect(codes.get('200')).toBeGreaterThan(0)
})

test('a certificate that does not fit its key changes nothing', async () => {
  const before = readFileSync(files().cert, 'utf8')
  writeFileSync(files().cert, (await certify(authority(), 'somebody else')).cert)
  await expect(a.broker.reloadTls()).rejects.toThrow()
  writeFileSync(files().cert, before)
  expect(await shown()).toBe(spkiPin(before))
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
})

test('a server that shows another key than the chain pins is told nothing, and an alarm is raised', async () => {
  const pins = (await profile())?.tlsPins ?? []
  await publish({ tlsPins: ['A'.repeat(43)] })
  const [heard, seen] = [(await insideOf(a).trail()).length, (await insideOf(b).trail()).length]
  expect(await b.his.open(record, 'TREAT')).toMatchObject({ status: 502, code: 'peer-untrusted' })
  // A was not even asked: its trail has no refusal.
  expect((await insideOf(a).trail()).slice(heard).filter(({ chain }) => !chain)).toEqual([])
  expect((await insideOf(b).trail()).slice(seen).filter(({ chain }) => !chain)).toMatchObject([
    { kind: 'alarm', reason: 'peer-untrusted' },
  ])
  await publish({ tlsPins: pins })
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
})

test('a member that publishes an address inside somebody’s network is not called there, and an alarm is raised', async () => {
  const endpoint = (await profile())?.endpoint ?? ''
  for (const inside of [
    'https://169.254.169.254',
    'https://[::ffff:127.0.0.1]',
    'http://127.0.0.1:1',
    'https://a:b@127.0.0.1',
  ]) {
    await publish({ endpoint: inside })
    const seen = (await insideOf(b).trail()).length
    expect(await b.his.open(record, 'TREAT')).toMatchObject({ status: 502, code: 'address-refused' })
    expect((await insideOf(b).trail()).slice(seen).filter(({ chain }) => !chain)).toMatchObject([
      { kind: 'alarm', reason: 'address-refused' },
    ])
  }
  await publish({ endpoint })
  expect((await b.his.open(record, 'TREAT')).status).toBe(200)
})
