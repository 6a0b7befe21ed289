import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PatientClient } from '../../src/patient/client.ts'
import { createWords } from '../../src/patient/seed.ts'
import { ANNA, condition, patient } from '../support/samples.ts'
import { eventually, type TestHospital } from '../support/world.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { enterWords } from './support/journeys.ts'
import { type Loaded, recordLoads } from './support/loads.ts'
import { openSmallNetwork, type SmallNetwork } from './support/small-network.ts'

// The short set of `npm run test:web`: one way through the portal, in a real Chromium, before two real hospitals.

/** Compressed, as it comes over the wire. */
const FIRST_SCRIPT_AT_MOST = 250_000
const FIRST_STYLE_AT_MOST = 60_000

const words = createWords()
let network: SmallNetwork
let a: TestHospital
let b: TestHospital
let anna: PatientClient
let browser: Browser
let device: Device
let loads: Loaded

beforeAll(async () => {
  ;[network, browser] = await Promise.all([openSmallNetwork(), startBrowser()])
  ;[a, b] = network.hospitals as [TestHospital, TestHospital]
  await a.put(patient('anna', ANNA))
  await a.put(condition('c1', 'anna', 'Hypertension'))
  await a.settled()
  anna = await network.enrol(a, ANNA, words)
  device = await openDevice(browser)
  loads = await recordLoads(device)
}, 90_000)

afterAll(async () => {
  await device?.close()
  await browser?.close()
  await network?.close()
}, 30_000)

/** A text with names of hospitals in it, each isolated from the sentence around it (Unicode bidirectional isolates) or not. */
const saying = (text: string) => new RegExp(text.replace(/Hospital [AB]/g, '\\u2068?$&\\u2069?'))

/** How many records the other hospital's information system is shown. */
const listed = async () => (await b.his.list(ANNA, 'TREAT')).body.total

describe('in the portal,', () => {
  test('a stranger’s first page is usable with 250 kB of script at most, and nothing of other pages', async () => {
    await device.page.goto(network.portal)
    await device.page.getByRole('heading', { level: 1 }).waitFor()
    await device.page.waitForLoadState('networkidle')
    const { script, style, files } = loads.bytes()
    expect(script).toBeGreaterThan(50_000)
    expect(script, files.join('\n')).toBeLessThanOrEqual(FIRST_SCRIPT_AT_MOST)
    expect(style, files.join('\n')).toBeLessThanOrEqual(FIRST_STYLE_AT_MOST)
    // What signs and derives keys comes when there is something to sign.
    expect(files.filter((file) => /client|secp256k1|share|history|records/i.test(file))).toEqual([])
    process.stdout.write(`first page: ${script} bytes of script, ${style} of style, compressed\n`)
  })

  test('the 12 words bring a person home, who sees that nobody can see anything', async () => {
    await enterWords(device, network.portal, words)
    await device.page.getByRole('heading', { name: 'Who can see what' }).waitFor()
    await device.page.getByText('Nobody else can see your records now.').waitFor()
    expect(await listed()).toBe(0)
  })

  test('sharing takes five steps, and then the other hospital sees what was shared', async () => {
    const { page } = device
    const next = () => page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('link', { name: 'Share with somebody' }).click()
    await page.getByRole('radio', { name: 'Hospital B' }).check()
    await next()
    await page.getByRole('heading', { name: 'What may they see?' }).waitFor()
    await next()
    await page.getByRole('heading', { name: 'Why?' }).waitFor()
    await next()
    await page.getByRole('radio', { name: 'One month' }).check()
    await next()
    await page.getByRole('heading', { name: 'Check, then sign' }).waitFor()
    await page.getByText(saying('Hospital B may see these records of yours at Hospital A')).waitFor()
    await page.getByRole('button', { name: 'Sign and share' }).click()
    await page.getByRole('heading', { name: 'You share this now' }).waitFor()
    await eventually(async () => (await listed()) === 1)
  }, 60_000)

  test('stopping takes two actions from home, and the decision for that party is then refuse', async () => {
    const { page } = device
    await page.getByRole('link', { name: 'Go home' }).click()
    await page.getByText('One other organisation or group can see').waitFor()
    await page.getByRole('link', { name: saying('Stop sharing with Hospital B') }).click()
    await page.getByText('What they have already read, they may have kept.').waitFor()
    await page.getByRole('button', { name: 'Stop sharing', exact: true }).click()
    await page.getByText(saying('Hospital A confirms: Hospital B gets nothing now.')).waitFor()
    const answer = await anna.explain({ requester: b.member, purpose: 'TREAT', dataClass: 'problems' })
    expect(answer.decision).toBe('refuse')
    await eventually(async () => (await listed()) === 0)
  }, 60_000)

  test('all of it was asked of this network alone, under its policy, and no address told who or what it is about', () => {
    expect(device.complaints).toEqual([])
    const secrets = [ANNA.value, words.split(' ')[11], a.member.slice(2), b.member.slice(2), 'anna', 'c1']
    const parts = loads.addresses().flatMap((address) => address.split(/[/?&=|]/))
    expect(parts.filter((part) => secrets.includes(part))).toEqual([])
  })
})
