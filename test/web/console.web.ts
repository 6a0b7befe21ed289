import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { deviceOf } from '../../src/sandbox/enrol-samples.ts'
import { createHisClient } from '../../src/sandbox/his-client.ts'
import { createOperatorClient } from '../../src/sandbox/operator-client.ts'
import { NotYet, patiently } from '../../src/sandbox/patiently.ts'
import { loadKeyring } from '../../src/store/key-file.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { personOf } from './support/journeys.ts'

const sandbox = inject('sandbox')
const sancho = personOf(sandbox, 'Sancho')
const [custodian, grantee] = ['hospital-2', 'hospital-3'].map((key) => {
  const found = sandbox.hospitals.find((one) => one.key === key)
  if (!found) throw new Error(`no ${key}`)
  return found
}) as [(typeof sandbox.hospitals)[number], (typeof sandbox.hospitals)[number]]

/** What a doctor elsewhere may be called, as far as their own hospital says. */
const HOSTILE = '<img src=x onerror=alert(1)> Dr. \u202eliveE'
const WHY = 'The patient asked at the desk.'

let browser: Browser
let secrets: string[]
const urls: string[] = []

beforeAll(async () => {
  browser = await startBrowser()
  secrets = await somethingHappened()
})
afterAll(() => browser?.close())

/** A disclosure, and a refusal after it, of one of Sancho's records. @returns what no address may hold */
async function somethingHappened(): Promise<string[]> {
  const device = deviceOf(sandbox, custodian, sancho)
  const his = createHisClient({
    ...{ broker: grantee.broker, client: grantee.his, organization: grantee.identifier },
    user: { id: 'physician-9', name: HOSTILE, role: 'physician' },
  })
  const to = { granteeType: 'Organization' as const, grantee: identifierText(grantee.identifier) }
  await device.grant({
    to,
    purpose: 'TREAT',
    classes: ['problems', 'encounters', 'immunizations', 'observations'],
  })
  const record = await patiently(async () => {
    const { body } = await his.list(sancho.nationalId, 'TREAT')
    const id = body.entry?.find(({ search }) => search?.mode === 'match')?.resource?.id
    if (!id) throw new NotYet('nothing is shared yet')
    return id
  }, 60_000)
  expect((await his.open(record, 'TREAT')).status).toBe(200)
  await device.revoke({ to, purpose: 'TREAT' })
  expect((await his.open(record, 'TREAT')).status).toBe(404)
  // The chain follows, and the trail follows the chain.
  await patiently(async () => {
    const found = await device.auditEvents({ _tag: 'consent-revoked' })
    if (!found.entry?.length) throw new NotYet('the withdrawal is not mined yet')
  }, 60_000)
  const { handle } = await device.signIn()
  const own = sancho.at.flatMap(({ patientId, recordNumber }) => [patientId, recordNumber])
  return [sancho.nationalId.value, handle, handle.slice(2), custodian.member, grantee.member, ...own]
}

async function operator() {
  const { signing } = await loadKeyring(join(dirname(custodian.log), 'keys.json'))
  return createOperatorClient({
    ...{ here: custodian.broker, audience: `${custodian.broker}/auth/token`, signing },
  })
}

async function invite(name: string, role: 'auditor' | 'compliance') {
  return (await operator())<{ code: string; id: string }>('POST', '/operator/console/people', { name, role })
}

async function open(options: Parameters<typeof openDevice>[1] = {}): Promise<Device> {
  const device = await openDevice(browser, { width: 1_200, ...options })
  device.page.on('request', (request) => urls.push(request.url()))
  device.page.on('framenavigated', (frame) => urls.push(frame.url()))
  await device.page.goto(custodian.console)
  return device
}

const signedIn = (page: Page) =>
  page.getByRole('heading', { name: 'What happened, and what needs a look' }).waitFor()

async function begin({ page }: Device, code: string): Promise<void> {
  await page.getByRole('button', { name: 'I have an invitation' }).click()
  await page.getByLabel('Invitation code').fill(code)
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await signedIn(page)
}

const go = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click()

async function lookUp(page: Page): Promise<void> {
  await go(page, 'Look up a patient')
  await page.getByLabel('Kind of number').selectOption(sancho.nationalId.system)
  await page.getByRole('textbox', { name: /^Number/ }).fill(sancho.nationalId.value)
}

test('a compliance officer goes from an invitation to the lines behind a refusal, and each look is in the trail', async () => {
  const device = await open()
  const { page } = device
  await begin(device, (await invite('Officer <b>One</b>', 'compliance')).code)
  await page.getByText('Officer <b>One</b>').waitFor()

  // Each number is what the broker counted.
  const answer = page.waitForResponse((response) => response.url().includes('/api/overview'))
  await page.getByRole('button', { name: 'Count again' }).click()
  const { totals } = (await (await answer).json()) as { totals: Record<string, number> }
  expect(totals.refusals).toBeGreaterThan(0)
  expect(totals.disclosures).toBeGreaterThan(0)
  for (const [name, label] of [
    ['refusals', 'Refusals'],
    ['disclosures', 'Disclosures'],
    ['requests', 'Requests for access'],
    ['alarms', 'Alarms'],
  ] as const)
    await page
      .getByRole('link', { name: `${totals[name]} – the lines behind: ${label}`, exact: true })
      .waitFor()

  // From the number to its lines, and on to everything about this patient.
  await page.getByRole('link', { name: /the lines behind: Refusals$/ }).click()
  const refusals = page.getByRole('row').filter({ hasText: 'Refusal' })
  await refusals.first().waitFor()
  expect(await refusals.count()).toBe(Math.min(totals.refusals ?? 0, 50))
  await refusals.first().getByRole('button', { name: 'Details' }).click()
  // The name is text: no markup of it is in the page, and nothing turns the words around it.
  await page.getByText('<img src=x onerror=alert(1)> Dr. liveE').first().waitFor()
  expect(await page.locator('main img').count()).toBe(0)
  expect(await page.locator('main').textContent()).not.toContain('\u202e')
  await page.getByRole('link', { name: 'All about this patient' }).click()
  await page.getByRole('heading', { name: 'All about one patient' }).waitFor()
  await page.getByRole('row').filter({ hasText: 'Consent withdrawn' }).first().waitFor()
  await page.reload()
  await page.getByRole('row').filter({ hasText: 'Record given' }).first().waitFor()

  // A person is looked up with a reason only.
  await lookUp(page)
  await page.getByRole('button', { name: 'Look up', exact: true }).click()
  expect(await page.getByText('A patient of this hospital.').count()).toBe(0)
  await page.getByLabel('Reason', { exact: false }).first().selectOption('asked-by-patient')
  await page.getByLabel('Why, in your words').first().fill(WHY)
  await page.getByRole('button', { name: 'Look up', exact: true }).click()
  await page.getByText('A patient of this hospital.').waitFor()

  // And both stand in the trail: that, and what was looked at.
  await go(page, 'Search')
  await page.getByLabel('What happened').selectOption({ label: 'Who looked at the trail' })
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  const looked = page.getByRole('row').filter({ hasText: 'Patient looked up' }).first()
  await looked.getByRole('button', { name: 'Details' }).click()
  await page.locator('dd', { hasText: WHY }).waitFor()
  await page.getByRole('row').filter({ hasText: 'Audit trail read' }).nth(3).waitFor()
  expect(new URL(page.url()).searchParams.get('kind')).toContain('patient-looked-up')

  // A search is kept, an export taken.
  await page.getByLabel('Name for this search').fill('Who looked')
  await page.getByRole('button', { name: 'Save search' }).click()
  await page.getByRole('button', { name: 'Who looked', exact: true }).waitFor()
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export as CSV' }).click()
  expect((await downloading).suggestedFilename()).toBe('events.csv')

  // Reports and members.
  await go(page, 'Reports')
  await page.getByRole('button', { name: 'Make the report' }).click()
  await page.getByRole('heading', { name: 'Refusals by reason' }).waitFor()
  await go(page, 'Members')
  await page.getByRole('heading', { name: grantee.name }).waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})

test('an auditor reads, looks nobody up, and is told why', async () => {
  const device = await open()
  const { page } = device
  await begin(device, (await invite('Auditor One', 'auditor')).code)
  await go(page, 'Look up a patient')
  await page.getByText('As an auditor you read only.').waitFor()
  expect(await page.getByRole('textbox', { name: /^Number/ }).count()).toBe(0)
  const status = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json', 'x-wayleave-console': '1' }
    return (await fetch('/console/api/look-ups', { method: 'POST', headers, body: '{}' })).status
  })
  expect(status).toBe(403)
  await go(page, 'Search')
  await page.getByText('As an auditor you read only, so you cannot save searches.').waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})

test('a passkey signs in again, an assertion that was used does not, and whoever is removed is out', async () => {
  const device = await open()
  const { page } = device
  const { code, id } = await invite('Officer Two', 'compliance')
  await begin(device, code)
  await page.getByRole('button', { name: 'Sign out' }).click()
  const asked = page.waitForRequest((request) => request.url().endsWith('/api/sign-in'))
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click()
  const used = (await asked).postData() ?? ''
  await signedIn(page)
  const again = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json', 'x-wayleave-console': '1' }
    return (await fetch('/console/api/sign-in', { method: 'POST', headers, body })).status
  }, used)
  expect(again).toBe(403)

  await (await operator())('DELETE', `/operator/console/people/${id}`)
  await go(page, 'Members')
  await page.getByText('Your session has ended', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click()
  await page.getByText('The sign-in was not accepted.').waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})

test('the trail is read by keyboard alone, and the focus is never lost', async () => {
  const device = await open()
  const { page } = device
  const key = (name: string) => page.keyboard.press(name)
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '')
  await page.getByRole('button', { name: 'I have an invitation' }).focus()
  await key('Enter')
  await page.keyboard.type((await invite('Officer Five', 'compliance')).code)
  await key('Enter')
  await signedIn(page)
  expect(await focused()).toBe('What happened, and what needs a look')
  await page.getByRole('link', { name: 'Search', exact: true }).focus()
  await key('Enter')
  await page.getByRole('button', { name: 'Details' }).first().waitFor()
  expect(await focused()).toBe('Search the audit trail')

  // On from the last line that was there.
  await page.getByRole('button', { name: 'Show more' }).focus()
  await key('Enter')
  await page.getByRole('button', { name: 'Details' }).nth(50).waitFor()
  await page.waitForFunction(() => document.activeElement?.hasAttribute('aria-expanded'))
  expect(
    await page.evaluate(() =>
      [...document.querySelectorAll('tbody button[aria-expanded]')].indexOf(
        document.activeElement as Element,
      ),
    ),
  ).toBe(50)
  await key('Space')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-expanded'))).toBe('true')

  // A filter is chosen and sent, and its lines are where one goes on.
  await page.getByLabel('What happened').focus()
  await page.keyboard.type('Refusals')
  for (let i = 0; i < 12 && (await focused()) !== 'Show'; i++) await key('Tab')
  await key('Enter')
  await page.waitForFunction(() => document.activeElement?.matches('section[aria-label=Lines]'))
  expect(new URL(page.url()).searchParams.get('kind')).toBe('refusal')
  expect(device.complaints).toEqual([])
  await device.close()
})

test('a session that is over leads back to the way in, and on from there', async () => {
  const device = await open()
  const { page } = device
  await begin(device, (await invite('Officer Three', 'compliance')).code)
  await device.context.clearCookies()
  await go(page, 'Members')
  await page.getByText('Your session has ended', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Sign in with your passkey' }).click()
  await page.getByRole('heading', { name: 'Members and their state' }).waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})

test('a person whom the device does not recognise, and a page at another origin, sign in nowhere', async () => {
  const unknown = await open({ authenticator: { verified: false } })
  const { code } = await invite('Officer Four', 'compliance')
  await unknown.page.getByRole('button', { name: 'I have an invitation' }).click()
  await unknown.page.getByLabel('Invitation code').fill(code)
  await unknown.page.getByRole('button', { name: 'Make a passkey' }).click()
  await unknown.page.getByText('The passkey was not used.').waitFor()
  await unknown.page.goto(custodian.console.replace('localhost', '127.0.0.1'))
  await unknown.page.getByRole('button', { name: 'Sign in with your passkey' }).click()
  await unknown.page.getByText('The request did not come from this page.').waitFor()
  expect(await unknown.page.getByRole('navigation').count()).toBe(0)
  await unknown.close()
})

test('no address that was asked for or shown names a patient, a handle or a member', () => {
  expect(urls.length).toBeGreaterThan(100)
  expect(secrets.every((secret) => secret.length > 5)).toBe(true)
  for (const secret of secrets)
    expect(
      urls.filter((url) => decodeURIComponent(url).toLowerCase().includes(secret.toLowerCase())),
    ).toEqual([])
})
