import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import type { PatientClient } from '../../src/patient/client.ts'
import { deviceOf } from '../../src/sandbox/enrol-samples.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { enterWords, goTo, personOf } from './support/journeys.ts'

const sandbox = inject('sandbox')
const kum = personOf(sandbox, 'Kum')
const laila = personOf(sandbox, 'Laila')
const custodian = sandbox.hospitals.find(({ key }) =>
  kum.at.some(({ hospital }) => hospital === key),
) as (typeof sandbox.hospitals)[0]
const grantee = sandbox.hospitals.find(({ key }) => key !== custodian.key) as (typeof sandbox.hospitals)[0]
const to = { granteeType: 'Organization' as const, grantee: identifierText(grantee.identifier) }

let browser: Browser
let kums: PatientClient
beforeAll(async () => {
  browser = await startBrowser()
  kums = deviceOf(sandbox, custodian, kum)
  await kums.grant({ to, purpose: 'TREAT', classes: ['problems'] })
})
afterAll(() => browser.close())

async function openedBy(person: typeof kum, options = {}): Promise<Device> {
  const device = await openDevice(browser, options)
  await enterWords(device, sandbox.portal, person.words)
  return device
}

async function toHelping(page: Page): Promise<void> {
  await goTo(page, 'People who help me')
  await page.getByRole('link', { name: 'I help somebody' }).click()
  await page.getByRole('heading', { name: 'I help somebody' }).waitFor()
}

test('Laila shows a code, Kum appoints her by it, she stops sharing for him, he sees that it was she, and ends it', async () => {
  const hers = await openedBy(laila)
  await toHelping(hers.page)
  await hers.page.getByRole('button', { name: new RegExp(`Show a code for .*${custodian.name}`) }).click()
  const code = (await hers.page.locator('[data-code]').getAttribute('data-code')) ?? ''
  expect(code).toMatch(/^([0-9A-Z]{5}-){7}[0-9A-Z]{5}$/)
  await hers.page.getByText('Not appointed yet.').waitFor()

  const his = await openedBy(kum)
  await goTo(his.page, 'People who help me')
  await his.page.getByText('Nobody acts for you.').waitFor()
  await his.page.getByRole('link', { name: 'Let somebody help me' }).click()
  await his.page.getByRole('radio', { name: custodian.name }).check()

  // A mistyped code goes nowhere, and the summary leads to the field.
  const mistyped = `${code.slice(0, -1)}${code.endsWith('Z') ? 'Y' : 'Z'}`
  await his.page.getByLabel('Their code').fill(mistyped)
  await his.page.getByLabel('What do you call this person?').fill('Laila')
  await his.page.getByRole('checkbox', { name: 'Pause all sharing' }).check()
  await his.page.getByRole('button', { name: 'Go on' }).click()
  await his.page.getByRole('alert').getByRole('link').click()
  expect(await his.page.evaluate(() => document.activeElement?.id)).toBe('code')
  await his.page.getByLabel('Their code').fill(code.toLowerCase().replaceAll('-', ' '))
  await his.page.getByRole('button', { name: 'Go on' }).click()
  await his.page.getByText('They may see with whom you share, and stop it.').waitFor()
  await his.page.getByText('They may pause all sharing.').waitFor()
  await his.page.getByRole('button', { name: 'Sign', exact: true }).click()
  await his.page.getByRole('heading', { name: /Laila.* can help you now/ }).waitFor()
  await his.page.getByText('In force').first().waitFor()

  // Her device finds out by itself; she sees with whom he shares, and none of his records.
  await hers.page.getByRole('heading', { name: /Person 1 at/ }).waitFor()
  await hers.page.getByRole('button', { name: new RegExp(`Stop sharing with .*${grantee.name}`) }).click()
  await hers.page.getByRole('button', { name: 'Stop sharing', exact: true }).click()
  await hers.page.getByRole('heading', { name: 'Sharing has stopped.' }).waitFor()
  await expect
    .poll(async () => (await kums.consents()).consents.some(({ state }) => state === 'permit'), {
      timeout: 60_000,
    })
    .toBe(false)

  await his.page.getByRole('link', { name: 'Back to people who help me' }).click()
  await his.page
    .locator('li:visible', { hasText: new RegExp(`stopped sharing with .*${grantee.name}`) })
    .first()
    .waitFor()
  await his.page.getByRole('link', { name: 'End this' }).click()
  await his.page.getByRole('button', { name: 'End it' }).click()
  await his.page.getByRole('heading', { name: 'Ended.' }).waitFor()
  await expect.poll(async () => (await kums.delegates()).at(-1)?.state, { timeout: 60_000 }).toBe('ended')

  await hers.page.getByRole('button', { name: 'Back to those I help' }).click()
  await hers.page.getByText('Not appointed yet.').waitFor()
  expect([...his.complaints, ...hers.complaints]).toEqual([])
  await his.close()
  await hers.close()
}, 240_000)

test('on the smallest screen, dark and from right to left, nothing sticks out to the side', async () => {
  const device = await openDevice(browser, { language: 'ar', dark: true, width: 320, height: 640 })
  const { page } = device
  await page.goto(`${sandbox.portal}/begin/words`)
  await page.getByRole('textbox').first().fill(laila.words)
  await page.locator('form button[type=submit]').click()
  await page.waitForURL(`${sandbox.portal}/`)
  await page.locator('nav button').first().click()
  await page.locator('nav a[href="/helpers"]').click()
  for (const link of [undefined, '/helping', '/helpers', '/helpers/appoint']) {
    if (link) await page.locator(`main a[href="${link}"]`).first().click()
    await page.locator('main h1').waitFor()
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
    expect([link, wide]).toEqual([link, false])
    if (link === '/helpers/appoint') break
  }
  expect(device.complaints).toEqual([])
  await device.close()
}, 120_000)
