import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyTypedData } from 'ethers'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { actDomain, typesOf } from '../../src/domain/consent/typed-data.ts'
import { toOperationOutcome } from '../../src/domain/errors.ts'
import type { Hex } from '../../src/domain/hex.ts'
import { memberId } from '../../src/domain/identity/member-id.ts'
import {
  BrokerRefused,
  BrokerUnreachable,
  createBrokerConnection,
} from '../../src/patient/broker-connection.ts'
import { createPatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { NO_SWITCH } from '../support/in-words.ts'

// Servers here are the enemy's, or broken: a hospital's own is met in client.test.ts.

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
})

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void

async function serve(answer: Answer, port = 0): Promise<string> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => answer(request, body, response))
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json = (response: ServerResponse, value: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))

const connection = (retry: boolean) => createBrokerConnection({ fetch, clock: systemClock, retry })
const PING = { method: 'GET', path: '/ping' } as const

const member = memberId('urn:oid:2.999.1|hospital-a')
const handle: Hex = `0x${'1a'.repeat(32)}`
const chain = {
  chainId: 78_230,
  consentRegistry: `0x${'c0'.repeat(20)}`,
  patientRegistry: `0x${'b0'.repeat(20)}`,
}
const device = (broker: string) => createPatientClient({ broker, member, words: createWords(), chain })

/** A server that plays a broker, well or badly; what each path answers is said in the test. */
async function impostor(
  answers: Record<string, (body: string) => unknown>,
): Promise<{ base: string; asked: string[] }> {
  const asked: string[] = []
  const base = await serve((request, body, response) => {
    const path = request.url?.split('?')[0] ?? ''
    asked.push(path)
    json(response, answers[path]?.(body) ?? {})
  })
  return { base, asked }
}

/** The answers that let a device in. */
function welcome(base: () => string) {
  const scopeSecret = Buffer.alloc(32, 7).toString('base64url')
  const expiresAt = new Date(Date.now() + 600_000).toISOString()
  return {
    '/patient/challenge': () => ({ nonce: 'n-1', origin: base() }),
    '/patient/session': () => ({ session: 's-1', expiresAt, handle, scopeSecret, custodian: member }),
    '/patient/consents': () => ({
      handle,
      locked: false,
      epoch: 0,
      lockSignedUpTo: -1,
      emergency: NO_SWITCH,
      consents: [],
    }),
  }
}

test('a refusal carries the code and the sentence of its OperationOutcome', async () => {
  const base = await serve((_request, _body, response) =>
    json(response, toOperationOutcome('version-wrong', 'r-1'), 409),
  )
  const refusal = await connection(true)
    .send(base, PING)
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(BrokerRefused)
  expect(refusal).toMatchObject({ code: 'version-wrong', status: 409 })
  expect((refusal as Error).message).toContain('Another change came first')
})

test('a failure without an OperationOutcome is still a refusal', async () => {
  const base = await serve((_request, _body, response) => response.writeHead(418).end('<html>'))
  await expect(connection(false).send(base, PING)).rejects.toMatchObject({ code: 'internal', status: 418 })
})

test('what answers no JSON is no broker', async () => {
  const base = await serve((_request, _body, response) => response.end('hello'))
  await expect(connection(false).send(base, PING)).rejects.toBeInstanceOf(BrokerUnreachable)
})

test('a redirect is never followed: what is signed goes to no other address', async () => {
  let reached = false
  const thief = await serve((_request, _body, response) => {
    reached = true
    json(response, {})
  })
  const base = await serve((_request, _body, response) => response.writeHead(307, { location: thief }).end())
  await expect(connection(false).send(base, { ...PING, session: 'secret' })).rejects.toBeInstanceOf(
    BrokerUnreachable,
  )
  expect(reached).toBe(false)
})

test('a broker that is down is an error at once, unless it is to be waited for', async () => {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const once = connection(false)
  await expect(once.persistently(() => once.send(base, PING))).rejects.toBeInstanceOf(BrokerUnreachable)

  const again = connection(true)
  const answer = again.persistently(() => again.send(base, PING))
  await new Promise((done) => setTimeout(done, 600))
  await serve((_request, _body, response) => json(response, { up: true }), port)
  expect(await answer).toEqual({ up: true })
})

test('waiting ends after 20 seconds, and is only for what may pass', async () => {
  let now = 0
  let attempts = 0
  const clock = { now: () => now, monotonic: () => now }
  const waiting = createBrokerConnection({ fetch, clock, retry: true })
  const failing = (error: Error) =>
    waiting.persistently(async () => {
      attempts++
      now += 4_000
      throw error
    })
  await expect(failing(new BrokerUnreachable('down'))).rejects.toThrow('down')
  expect(attempts).toBe(5)
  attempts = 0
  await expect(failing(new BrokerRefused('not-ready', 503, 'starting'))).rejects.toThrow('starting')
  expect(attempts).toBe(5)
  attempts = 0
  await expect(failing(new BrokerRefused('version-wrong', 409, 'sign again'))).rejects.toThrow('sign again')
  expect(attempts).toBe(1)
})

test('a server in between that passes a hospital’s challenge on gets no signature', async () => {
  const { base, asked } = await impostor({
    '/patient/challenge': () => ({ nonce: 'n-1', origin: 'https://broker.hospital.example' }),
  })
  await expect(device(base).signIn()).rejects.toThrow('calls itself https://broker.hospital.example')
  expect(asked).toEqual(['/patient/challenge'])
})

test('another hospital at this address is noticed', async () => {
  const answers = welcome(() => base)
  const session = () => ({
    ...answers['/patient/session'](),
    custodian: memberId('urn:oid:2.999.1|hospital-b'),
  })
  const { base } = await impostor({ ...answers, '/patient/session': session })
  await expect(device(base).signIn()).rejects.toThrow('another hospital')
})

test('a server that tells of another handle than at sign-in has nothing signed for it', async () => {
  const answers = welcome(() => base)
  const consents = () => ({ ...answers['/patient/consents'](), handle: `0x${'2b'.repeat(32)}` })
  const { base, asked } = await impostor({ ...answers, '/patient/consents': consents })
  await expect(device(base).lock()).rejects.toThrow('another handle')
  expect(asked).not.toContain('/relay')
})

test('a receipt for another act is no receipt', async () => {
  const answers = welcome(() => base)
  const receipt = { digest: `0x${'00'.repeat(32)}`, act: 'Lock', handle, receivedAt: '', counts: 'now' }
  const { base } = await impostor({ ...answers, '/relay': () => ({ receipt, jws: '' }) })
  await expect(device(base).lock()).rejects.toThrow('for another act')
})

test.each([
  ['another kind of act', { primaryType: 'Unlock' }, {}],
  ['an enrolment at another hospital', {}, { custodian: memberId('urn:oid:2.999.1|hospital-b') }],
])('an enrolment that asks to sign %s gets no signature', async (_name, offer, message) => {
  const { base, asked } = await impostor({
    '/patient/enrolment/offer': () => ({
      typedData: {
        primaryType: 'Bind',
        ...offer,
        message: { handle, custodian: member, deadline: 4e9, ...message },
      },
    }),
  })
  await expect(device(base).enrol({ enrolment: 'e', code: 'c' })).rejects.toThrow('another signature')
  expect(asked).toEqual(['/patient/enrolment/offer'])
})

test('whatever contract an offer names, the binding is signed for the one that the device knows', async () => {
  let sent: { signature?: string } = {}
  const { base } = await impostor({
    '/patient/enrolment/offer': () => ({
      typedData: {
        primaryType: 'Bind',
        domain: {
          name: 'Somebody’s Money',
          version: '1',
          chainId: 1,
          verifyingContract: `0x${'ee'.repeat(20)}`,
        },
        message: { handle, custodian: member, deadline: 4e9 },
      },
    }),
    '/patient/enrolment': (body) => {
      sent = JSON.parse(body) as typeof sent
      return { bound: 'when mined' }
    },
  })
  const client = device(base)
  await client.enrol({ enrolment: 'e', code: 'c' })
  const domain = actDomain('Bind', chain.chainId, chain.patientRegistry as Hex)
  const message = { handle, custodian: member, deadline: 4e9 }
  const signer = verifyTypedData(domain, typesOf('Bind'), message, sent.signature ?? '')
  expect(signer.toLowerCase()).toBe(client.signer)
})
