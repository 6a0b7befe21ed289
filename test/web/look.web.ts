import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AuditEvent, Bundle } from 'fhir/r4.js'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { dateOfDay, dayOf } from '../../src/domain/days.ts'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { requestTask } from '../../src/fhir/request-task.ts'
import { deviceOf } from '../../src/sandbox/enrol-samples.ts'
import { createHisClient, type HisClient } from '../../src/sandbox/his-client.ts'
import { NotYet, patiently } from '../../src/sandbox/patiently.ts'
import { readSandboxFile } from '../../src/sandbox/sandbox-file.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { enterWords, goTo, personOf } from './support/journeys.ts'

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

/** A machine that does much else takes its time: each journey waits for what is to be seen, and for no clock. Milliseconds. */
const LONGEST = 120_000

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

async function openedBy(person: typeof teodoro, options = {}): Promise<Device> {
  const device = await openDevice(browser, options)
  device.page.setDefaultTimeout(LONGEST / 2)
  await enterWords(device, sandbox.portal, person.words)
  return device
}

/** Asks Trish through the first hospital, for more than she will give. */
async function ask(reason: string): Promise<void> {
  const today = dayOf(Date.now())
  const task = requestTask({
    ...{ patient: trish.nationalId, custodian: first.identifier, reason, patientNamedCustodian: true },
    ...{ dataClasses: ['problems', 'medications', 'observations'], sensitivities: ['PSY'] },
    ...{ from: dateOfDay(today), until: dateOfDay(today + 30), answerUntil: dateOfDay(today + 2) },
  })
  const asker = hisOf(second, { id: 'surgeon', name: 'A. Surgeon', role: 'physician' })
  // An answer counts for whichever open request it covers: none of an earlier run is left.
  const own = deviceOf(sandbox, first, trish)
  for (const open of await own.requests()) if (!open.answered) await own.refuse(open)
  const { status } = await patiently(() => asker.ask(task, 'TREAT'))
  expect(status).toBe(201)
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

test(
  'whoever is refused stands in the patient’s list within seconds, with person, role and reason, and so does who reads',
  async () => {
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
    // Which share it was is known once the shares are read.
    await expect
      .poll(() => read.textContent())
      .toMatch(/Medicines[\s\S]*Your treatment[\s\S]*your share with/)

    // Only refusals, and the address names nobody.
    await page.getByLabel('Result').selectOption('refused')
    await page.getByLabel('Organisation').selectOption({ label: second.name })
    await expect.poll(() => page.locator('li[data-ending="allowed"]').count()).toBe(0)
    expect(new URL(page.url()).search).not.toMatch(/0x|[0-9a-f]{16}/)
    await page.getByRole('button', { name: 'Show all again' }).click()
    await read.waitFor()
    expect(device.complaints).toEqual([])
    await device.close()
  },
  LONGEST,
)

test(
  'an emergency is loud, and a hostile name does nothing in the list',
  async () => {
    const device = await openedBy(teodoro)
    const { page } = device
    const stranger = hisOf(second, { id: `odd-${Date.now()}`, name: HOSTILE.slice(0, 200), role: 'wizard' })
    const { body } = await patiently(() => stranger.list(teodoro.nationalId, 'TREAT'))
    const record = body.entry?.find(({ resource }) => resource?.resourceType === 'DocumentReference')
      ?.resource?.id
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
  },
  LONGEST,
)

test(
  'the history can be taken along to read, for a spreadsheet and for a program, and all three tell the same',
  async () => {
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
  },
  LONGEST,
)

test(
  'records of all hospitals stand in one list, are found, opened and taken along whole',
  async () => {
    const device = await openedBy(teodoro, { width: 320, height: 700, dark: true })
    const { page } = device
    await goTo(page, 'My records')
    const whole = await Promise.all(
      sandbox.hospitals.map((hospital) => deviceOf(sandbox, hospital, teodoro).record()),
    )
    const all = whole.flat()
    const bundle = JSON.parse(await saved(page, 'For a program (FHIR)')) as Bundle
    const ids = (some: readonly { resourceType?: string | undefined; id?: string | undefined }[]) =>
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
  },
  LONGEST,
)

test(
  'a request is approved narrower, the hospital agrees, and the asker then sees the narrower kinds only',
  async () => {
    const reason = `Operation ${Date.now()}`
    await ask(reason)
    const device = await openedBy(trish)
    const { page } = device
    await page.getByRole('navigation').getByText('for you').first().waitFor({ state: 'attached' })
    await goTo(page, 'Requests')
    const request = page.locator('li').filter({ hasText: reason })
    await request.getByText(second.name).first().waitFor()
    await request.getByRole('link', { name: 'Look and decide' }).click()
    await page.getByRole('heading', { name: 'What this opens' }).waitFor()
    expect(page.url()).not.toMatch(/0x|[0-9a-f]{16}/)
    // A private kind is off though it was asked for, and nothing can be ticked that was not.
    expect(await page.getByRole('checkbox').count()).toBe(4)
    expect(await page.getByLabel('Mental health').isChecked()).toBe(false)

    // Nothing at all, and a day too late: told at the top, beside the field, and nothing goes on.
    for (const name of ['Illnesses', 'Medicines', 'Measurements']) await page.getByLabel(name).uncheck()
    await page.getByLabel('Until when?').fill('2199-01-01')
    await page.getByRole('button', { name: 'Next: read what you sign' }).click()
    await page.getByRole('alert').getByText('Choose at least one kind of record').waitFor()
    await page.getByRole('alert').getByText('Choose a day from').waitFor()
    await page.getByLabel('Illnesses').check()
    await page.getByLabel('Medicines').check()
    const until = dateOfDay(dayOf(Date.now()) + 7)
    await page.getByLabel('Until when?').fill(until)
    await page.getByRole('button', { name: 'Next: read what you sign' }).click()

    const act = page.locator('[data-at="ready"]')
    await act.waitFor()
    const sentence = (await act.textContent()) ?? ''
    expect(sentence).toContain('illnesses and diagnoses; medicines')
    expect(sentence).not.toContain('easurements')
    expect(sentence).toContain('It starts only once')
    // Clicked twice it is signed once.
    await page.getByRole('button', { name: 'Sign' }).dblclick()
    await page.locator('[data-at="approval"]').waitFor()
    await page.getByText('You said yes. Now').waitFor()
    expect(await page.getByRole('button', { name: 'Change something' }).count()).toBe(0)

    const officer = hisOf(first, { id: 'officer', name: 'An Officer', role: 'privacy officer' })
    await patiently(async () => {
      const { body } = await officer.tasks()
      const waiting = body.entry?.flatMap(({ resource }) => resource?.id ?? []) ?? []
      if (waiting.length === 0) throw new NotYet('nothing waits for the hospital')
      for (const id of waiting) await officer.decide(id, '$approve')
    })
    await page.getByText('can see what you allowed').waitFor()

    const asker = hisOf(second, { id: 'surgeon', name: 'A. Surgeon', role: 'physician' })
    const { opened } = await deviceOf(sandbox, first, trish).preview({
      dataClasses: ['problems', 'medications'],
    })
    await patiently(async () => {
      const { body } = await asker.list(trish.nationalId, 'TREAT')
      if (body.total !== opened.length) throw new NotYet(`${body.total} of ${opened.length} listed`)
    })
    const own = await deviceOf(sandbox, first, trish).consents()
    const given = own.consents.find(({ scope, state }) => scope.grantee === to.grantee && state === 'permit')
    expect(given?.until).toBe(until)
    expect(given?.terms?.sensitivities).toEqual([])
    // It ends as it began.
    await patiently(() => deviceOf(sandbox, first, trish).revoke({ to, purpose: 'TREAT' }))
    expect(device.complaints).toEqual([])
    await device.close()
  },
  LONGEST,
)

test(
  'a request is refused from the page, by keyboard, and decided later costs nothing',
  async () => {
    const reason = `Refuse ${Date.now()} <b>‮${'y'.repeat(430)}`
    await ask(reason)
    const device = await openedBy(trish, { width: 320, height: 640, dark: true })
    const { page } = device
    await goTo(page, 'Requests')
    const request = page.locator('li').filter({ hasText: reason.slice(0, 20) })
    await request.getByRole('link', { name: 'Look and decide' }).click()
    await page.getByRole('button', { name: 'Decide later' }).click()
    await request.waitFor()
    await request.getByRole('link', { name: 'Look and decide' }).focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
    await page.getByRole('button', { name: 'Say no' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('You said no. Nothing is shared.').waitFor()
    const left = await deviceOf(sandbox, first, trish).requests()
    expect(left.filter((one) => one.reason.startsWith(reason.slice(0, 20)) && !one.answered)).toEqual([])
    expect(device.complaints).toEqual([])
    await device.close()
  },
  LONGEST,
)

test(
  'what looks wrong is told to the hospital once, answered by a person there, and read in the news',
  async () => {
    const device = await openedBy(trish)
    const { page } = device
    const odd = hisOf(second, { id: `odd-${Date.now()}`, name: 'An Odd One', role: 'nurse' })
    await patiently(() => odd.list(trish.nationalId, 'TREAT'))
    await goTo(page, 'Who looked')
    await page.getByRole('button', { name: 'This looks wrong' }).first().click()
    await page.getByRole('button', { name: 'Send to the hospital' }).click()
    await page.getByText('Write a few words').waitFor()
    const said = `I was not there at ${Date.now()} <script>alert(1)</script>`
    await page.getByLabel('What looks wrong?').fill(said)
    await page.getByRole('button', { name: 'Send to the hospital' }).dblclick()
    await page.getByText('Sent. The hospital has it.').waitFor()
    await page.getByRole('link', { name: 'See what I reported' }).click()
    const mine = page.locator('li').filter({ hasText: said })
    await mine.getByText('The hospital is looking into it').waitFor()
    expect(await mine.count()).toBe(1)

    type Listed = { cases: { id: string; text: string }[] }
    const cases = sandbox.hospitals.map((hospital) => {
      const client = createHisClient({
        ...{ broker: hospital.broker, client: hospital.auditor, organization: hospital.identifier },
        user: { id: 'privacy', name: 'P. Officer', role: 'privacy officer' },
      })
      return { client, list: () => client.manage<Listed>('GET', '/cases?state=open') }
    })
    let answered = 0
    for (const { client, list } of cases) {
      const { body } = await patiently(list)
      for (const one of body.cases.filter(({ text }) => text === said)) {
        const { status } = await client.post(`/cases/${one.id}/answer`, {
          text: 'It was a mistake.',
          close: true,
        })
        expect(status).toBe(200)
        answered++
      }
    }
    expect(answered).toBe(1)
    await mine.getByText('It was a mistake.').waitFor()
    await mine.getByText('P. Officer').waitFor()
    await mine.getByText('Closed').waitFor()

    await page.getByRole('link', { name: /^News/ }).click()
    await page.getByText('answered what you reported').first().waitFor()
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await page.getByRole('link', { name: 'News: nothing new' }).waitFor()
    const choice = page.getByLabel(first.name)
    await choice.selectOption('contact')
    await page.getByText('Saved.').waitFor()
    expect(await deviceOf(sandbox, first, trish).preferences()).toMatchObject({
      channel: 'contact',
      language: 'en',
    })
    await choice.selectOption('none')
    await expect.poll(async () => (await deviceOf(sandbox, first, trish).preferences()).channel).toBe('none')
    expect(device.complaints).toEqual([])
    await device.close()
  },
  LONGEST,
)

test(
  'while one hospital does not answer, the others do, the silence is named, and nothing is lost',
  async () => {
    const device = await openedBy(trish)
    const { page } = device
    await goTo(page, 'My records')
    const whole = (
      await Promise.all([first, second].map((at) => deviceOf(sandbox, at, trish).record()))
    ).flat()
    const lines = whole.filter(
      ({ resourceType }) => !['Medication', 'Provenance', 'Binary'].includes(resourceType),
    )
    await page.getByText(`${lines.length} records`, { exact: true }).waitFor()

    // The broker is killed while the page is open; the supervisor starts another.
    const running = readSandboxFile(join(dirname(dirname(first.log)), 'sandbox.json'))
    process.kill(running.hospitals[0]?.pid ?? 0, 'SIGKILL')
    await goTo(page, 'Who looked')
    await page.locator('li[data-ending]').first().waitFor()
    await goTo(page, 'My records')
    await page.getByText(`${lines.length} records`, { exact: true }).waitFor()

    // Its network is gone for longer than any device waits.
    await page.route(`${first.broker}/**`, (route) => route.abort())
    await goTo(page, 'Who looked')
    await page.getByText(`${first.name} does not answer.`).first().waitFor()
    await page.unroute(`${first.broker}/**`)
    await page.getByRole('button', { name: 'Look for new lines' }).click()
    await page.getByText(`${first.name} does not answer.`).first().waitFor({ state: 'detached' })
    expect(device.complaints).toEqual([])
    await device.close()
  },
  LONGEST,
)
