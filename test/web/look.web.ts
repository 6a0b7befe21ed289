import { readFile } from 'node:fs/promises'
import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { deviceOf } from '../../src/sandbox/enrol-samples.ts'
import { createHisClient, type HisClient } from '../../src/sandbox/his-client.ts'
import { NotYet, patiently } from '../../src/sandbox/patiently.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { enterWords, personOf } from './support/journeys.ts'

const sandbox = inject('sandbox')
const [first, second] = sandbox.hospitals as [(typeof sandbox.hospitals)[0], (typeof sandbox.hospitals)[0]]
const teodoro = personOf(sandbox, 'Teodoro')
const trish = personOf(sandbox, 'Trish')
const to = { granteeType: 'Organization' as const, grantee: identifierText(second.identifier) }

const hisOf = (hospital: typeof first, user?: { id: string; name: string; role: string }): HisClient =>
  createHisClient({
    ...{ broker: hospital.broker, client: hospital.his, organization: hospital.identifier },
    ...(user ? { user } : {}),
  })

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

/** Goes to a page the way a person does: what is in memory stays. */
async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name }).click()
}

async function openedBy(person: typeof teodoro, options = {}): Promise<Device> {
  const device = await openDevice(browser, options)
  await enterWords(device, sandbox.portal, person.words)
  return device
}

/** What a click saves, as text. */
async function saved(page: Page, button: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).click(),
  ])
  return readFile(await download.path(), 'utf8')
}

/** A name that tries everything a name can try, 10,000 characters of it. */
const HOSTILE = `<img src=x onerror=alert(1)>‮evil⁦ ${'x'.repeat(9_900)}`

test('whoever is refused stands in the patient’s list within seconds, with person, role and reason, and so does who reads', async () => {
  const device = await openedBy(teodoro)
  const { page } = device
  await goTo(page, 'Who looked')
  await page.getByRole('heading', { level: 1, name: 'Who looked' }).waitFor()

  const nurse = hisOf(second, { id: `nurse-${Date.now()}`, name: `Nurse ${Date.now()}`, role: 'nurse' })
  const own = deviceOf(sandbox, first, teodoro)
  await patiently(() => own.grant({ to, purpose: 'TREAT', classes: ['medications'] }))
  const listed = await patiently(async () => {
    const { body } = await nurse.list(teodoro.nationalId, 'TREAT')
    for (const { resource } of body.entry ?? []) {
      if (resource?.resourceType !== 'DocumentReference' || !resource.id) continue
      if ((await nurse.open(resource.id, 'TREAT')).status === 200) return resource.id
    }
    throw new NotYet('nothing is shared yet')
  })
  expect((await nurse.open(listed, 'HRESCH')).status).toBe(404)
  await page.getByRole('button', { name: 'Look for new lines' }).click()
  const refused = page.locator('li[data-ending="refused"]').first()
  await refused.getByText('You have shared this for another reason.').waitFor()
  const text = await refused.textContent()
  expect(text).toContain(second.name)
  expect(text).toContain(first.name)
  expect(text).toContain('Nurse')
  expect(text).toContain('Research')
  expect(text).toContain('was refused')
  const read = page
    .locator('li[data-ending="allowed"]')
    .filter({ hasText: 'Both hospitals wrote this down' })
    .first()
  await read.waitFor()
  expect(await read.textContent()).toMatch(/Medicines[\s\S]*Your treatment[\s\S]*your share with/)

  // Only refusals, and the address names nobody.
  await page.getByLabel('Result').selectOption('refused')
  await page.getByLabel('Organisation').selectOption({ label: second.name })
  await expect.poll(() => page.locator('li[data-ending="allowed"]').count()).toBe(0)
  expect(new URL(page.url()).search).not.toMatch(/0x|[0-9a-f]{16}/)
  await page.getByRole('button', { name: 'Show all again' }).click()
  await read.waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})

test('an emergency is loud, and a hostile name does nothing in the list', async () => {
  const device = await openedBy(teodoro)
  const { page } = device
  const stranger = hisOf(second, { id: `odd-${Date.now()}`, name: HOSTILE.slice(0, 200), role: 'wizard' })
  const { body } = await patiently(() => stranger.list(teodoro.nationalId, 'TREAT'))
  const record = body.entry?.find(({ resource }) => resource?.resourceType === 'DocumentReference')?.resource
    ?.id
  await stranger.open(record ?? '', 'BTG')
  await goTo(page, 'Who looked')
  const loud = page.locator('li[data-ending="emergency"]').first()
  await loud.waitFor()
  expect(await loud.textContent()).toContain('Emergency')
  expect(await page.locator('main img').count()).toBe(0)
  const name = (await loud.locator('dd').first().textContent()) ?? ''
  expect(name).toContain('<img src=x')
  expect(name).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
  expect(name.length).toBeLessThan(200)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1_024)
  expect(device.complaints).toEqual([])
  await device.close()
})

test('the history can be taken along to read, for a spreadsheet and for a program, and all three tell the same', async () => {
  const device = await openedBy(teodoro)
  const { page } = device
  await goTo(page, 'Who looked')
  await page.locator('li[data-ending]').first().waitFor()
  const csv = await saved(page, 'For a spreadsheet')
  expect(csv.split('\r\n')[0]).toBe('\ufeffWhen,Result,Who looked,Who,What,Why,Why refused,Written down by')
  expect(csv).toContain('Refused')
  const html = await saved(page, 'To read or print')
  expect(html).toContain("default-src 'none'")
  expect(html).not.toContain('<img')
  expect(html).toContain('and was refused')
  const bundle = JSON.parse(await saved(page, 'For a program (FHIR)')) as Bundle<AuditEvent>
  const events = (bundle.entry ?? []).map(({ resource }) => resource)
  expect(new Set(events.map((event) => event?.resourceType))).toEqual(new Set(['AuditEvent']))
  const kinds = events.map((event) => event?.meta?.tag?.[0]?.code)
  for (const kind of ['refusal', 'disclosure', 'consent-granted']) expect(kinds).toContain(kind)
  expect(device.complaints).toEqual([])
  await device.close()
})

test('records of all hospitals stand in one list, are found, opened and taken along whole', async () => {
  const device = await openedBy(teodoro, { width: 320, height: 700, dark: true })
  const { page } = device
  await goTo(page, 'My records')
  const whole = await Promise.all(
    sandbox.hospitals.map((hospital) => deviceOf(sandbox, hospital, teodoro).record()),
  )
  const all = whole.flat()
  const bundle = JSON.parse(await saved(page, 'For a program (FHIR)')) as Bundle
  const ids = (some: readonly { resourceType?: string; id?: string }[]) =>
    some.map(({ resourceType, id }) => `${resourceType}/${id}`).toSorted()
  expect(ids((bundle.entry ?? []).flatMap(({ resource }) => resource ?? []))).toEqual(ids(all))

  await page.getByText('Find and narrow').click()
  await page.getByLabel('Kind').selectOption('medications')
  await page.locator('article').first().waitFor()
  const medicines = all.filter(({ resourceType }) =>
    /^Medication(?:Request|Statement|Administration)$/.test(resourceType),
  )
  await expect.poll(() => page.locator('article').count()).toBe(medicines.length)
  await page.locator('article summary').first().click()
  await page.locator('article dt', { hasText: 'State' }).first().waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)

  await page.getByLabel('Kind').selectOption('documents')
  await page.locator('article summary').first().click()
  await page.getByRole('button', { name: 'Read the text' }).first().click()
  await page.locator('article pre').first().waitFor()
  expect(await page.locator('article pre').first().textContent()).toMatch(/^\d{4}-\d\d-\d\d/)

  await page.getByLabel('Find').fill('no such thing at all')
  await page.getByText('Nothing fits these choices.').waitFor()
  expect(page.url()).not.toContain('such')
  const html = await saved(page, 'To read or print')
  for (const { name } of sandbox.hospitals) expect(html).toContain(name)
  expect(device.complaints).toEqual([])
  await device.close()
})
