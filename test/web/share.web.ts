import { dirname } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { enterWords, personOf } from './support/journeys.ts'
import {
  brokerPid,
  heading,
  hisOf,
  hospitalOf,
  keyAt,
  listed,
  organisation,
  press,
  startAnew,
  until,
  wishToShare,
} from './support/sharing.ts'

const sandbox = inject('sandbox')
const { portal } = sandbox
const quillhaven = hospitalOf(sandbox, 'Quillhaven')
const ostermoor = hospitalOf(sandbox, 'Ostermoor')
const brackwater = hospitalOf(sandbox, 'Brackwater')
const melvin = personOf(sandbox, 'Melvin')
const kathlyn = personOf(sandbox, 'Kathlyn')
const melvinAt = [quillhaven, ostermoor, brackwater].map((hospital) => keyAt(sandbox, melvin, hospital))
const kathlynAt = [quillhaven, ostermoor].map((hospital) => keyAt(sandbox, kathlyn, hospital))
const [melvinAtQuillhaven] = melvinAt as [(typeof melvinAt)[0]]
const [kathlynAtQuillhaven] = kathlynAt as [(typeof kathlynAt)[0]]
const GRANT = { purpose: 'TREAT', classes: ['medications', 'problems', 'allergies'] }
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})
beforeEach(() => startAnew([...melvinAt, ...kathlynAt]), 60_000)
afterAll(async () => {
  await startAnew([...melvinAt, ...kathlynAt])
  await browser.close()
}, 60_000)

async function withDevice(
  person: typeof melvin,
  journey: (device: Device) => Promise<void>,
  options: Parameters<typeof openDevice>[1] = {},
): Promise<void> {
  const device = await openDevice(browser, options)
  try {
    await enterWords(device, portal, person.words)
    await device.page.getByRole('heading', { name: 'What you share' }).waitFor()
    await journey(device)
    expect(device.complaints).toEqual([])
  } finally {
    await device.close()
  }
}

const decisionFor = async (purpose: string) =>
  (await melvinAtQuillhaven.explain({ requester: ostermoor.member, purpose, dataClass: 'medications' }))
    .decision

test('a share is made within a minute, in the words that are signed, and the named hospital really reads', () =>
  withDevice(melvin, async ({ page }) => {
    const his = hisOf(ostermoor)
    expect(await listed(his, melvin)).toEqual([])
    const before = Date.now()
    await wishToShare(page, 'Ostermoor General Hospital')
    // Every hospital of the patient's but the one that is to see.
    await page.getByText('At ⁨Quillhaven Medical Centre⁩', { exact: true }).first().waitFor()
    await page.getByText('At ⁨Brackwater Infirmary⁩', { exact: true }).first().waitFor()
    await page
      .getByText('⁨Ostermoor General Hospital⁩ may see these records of yours at ⁨Quillhaven Medical Centre⁩')
      .waitFor()
    await page
      .getByText(/\d+ records/)
      .first()
      .waitFor()
    await press(page, 'Sign all 2 and share')
    await heading(page, 'You share this now')
    expect(Date.now() - before).toBeLessThan(60_000)
    const [first = ''] = await until(
      () => listed(his, melvin),
      (ids) => ids.length > 0,
    )
    expect((await his.open(first, 'TREAT')).status).toBe(200)
    // What was opened under it stands in the share's own history.
    await page.getByRole('link', { name: 'Go home' }).click()
    await page
      .getByText('2 other', { exact: false })
      .or(page.getByText('One other organisation'))
      .first()
      .waitFor()
    const own = await melvinAtQuillhaven.consents()
    expect(own.consents.filter(({ state }) => state === 'permit')).toHaveLength(1)
  }))

test('after “stop sharing” the party is refused although everyone may, and undoing lets it in again', () =>
  withDevice(melvin, async ({ page }) => {
    await melvinAtQuillhaven.grant({ to: { granteeType: 'Everyone', grantee: '' }, ...GRANT })
    await melvinAtQuillhaven.grant({
      to: { granteeType: 'Group', grantee: sandbox.council.groups[0] ?? '' },
      ...GRANT,
    })
    await melvinAtQuillhaven.grant({ to: organisation(ostermoor), ...GRANT })
    await until(
      () => melvinAtQuillhaven.consents(),
      ({ consents }) => consents.filter(({ state }) => state === 'permit').length === 3,
    )
    const his = hisOf(ostermoor)
    const [seen = ''] = await until(
      () => listed(his, melvin),
      (ids) => ids.length > 0,
    )
    await page.reload()
    await press(page, /passkey/i)
    // Three actions: the card, the answer, and no third.
    await page.getByRole('link', { name: /Stop sharing with .*Ostermoor/ }).click()
    await page.getByText('What they have already read, they may have kept.').waitFor()
    await page.getByText('You also share with', { exact: false }).waitFor()
    await press(page, 'Stop sharing')
    await page.getByText(/confirms: .*Ostermoor General Hospital.* gets nothing now/).waitFor()
    // At once, whatever the other hospital still has on its list.
    expect(await his.open(seen, 'TREAT')).toMatchObject({ status: 404, code: 'not-available' })
    for (const purpose of ['TREAT', 'BTG', 'HRESCH']) expect(await decisionFor(purpose)).toBe('refuse')
    await until(
      () => listed(his, melvin),
      (ids) => ids.length === 0,
    )
    const others = await melvinAtQuillhaven.explain({
      requester: brackwater.member,
      purpose: 'TREAT',
      dataClass: 'medications',
    })
    expect(others.decision).toBe('permit')
    await press(page, 'Undo')
    await page.getByText('You sign it again', { exact: false }).waitFor()
    await press(page, 'Sign and share again')
    await page.getByText('All is in force.').waitFor()
    expect(await decisionFor('TREAT')).toBe('permit')
    await until(
      () => listed(his, melvin),
      (ids) => ids.length > 0,
    )
  }))

test('an organisation that somebody says no to sees nothing, until the no is ended', () =>
  withDevice(melvin, async ({ page }) => {
    await melvinAtQuillhaven.grant({ to: { granteeType: 'Everyone', grantee: '' }, ...GRANT })
    await until(
      () => decisionFor('TREAT'),
      (decision) => decision === 'permit',
    )
    await page.getByRole('link', { name: 'Say no to somebody' }).click()
    await heading(page, 'Say no to somebody')
    await page.getByRole('radio', { name: 'Ostermoor General Hospital' }).check()
    await press(page, 'Continue')
    await press(page, 'Say no')
    await heading(page, /You have said no to .*Ostermoor/)
    expect(await decisionFor('TREAT')).toBe('refuse')
    await page.getByRole('link', { name: 'Go home' }).click()
    await page
      .getByRole('link', { name: /Look at your no to .*Ostermoor/ })
      .first()
      .click()
    await press(page, 'End my no')
    await page.getByText('In force').first().waitFor()
  }))

test('pausing and starting again take one action each, at every hospital', () =>
  withDevice(kathlyn, async ({ page }) => {
    await kathlynAtQuillhaven.grant({ to: organisation(brackwater), ...GRANT })
    await until(
      () => kathlynAtQuillhaven.consents(),
      ({ consents }) => consents.some(({ state }) => state === 'permit'),
    )
    const may = async () =>
      (
        await kathlynAtQuillhaven.explain({
          requester: brackwater.member,
          purpose: 'TREAT',
          dataClass: 'medications',
        })
      ).decision
    expect(await may()).toBe('permit')
    const his = hisOf(brackwater)
    const [seen = ''] = await until(
      () => listed(his, kathlyn),
      (ids) => ids.length > 0,
    )
    await page.getByRole('link', { name: 'Pause everything' }).click()
    await press(page, 'Pause everything')
    await heading(page, 'Everything is paused')
    expect(await may()).toBe('refuse')
    expect(await his.open(seen, 'TREAT')).toMatchObject({ status: 404, code: 'not-available' })
    await until(
      () => listed(his, kathlyn),
      (ids) => ids.length === 0,
    )
    await page.getByRole('link', { name: 'Go home' }).click()
    await page.getByText('None of your hospitals shares anything, until you start it again.').waitFor()
    await page.getByRole('link', { name: 'Start sharing again' }).click()
    await press(page, 'Start sharing again')
    await heading(page, 'Sharing has started again')
    expect(await may()).toBe('permit')
    for (const client of kathlynAt) expect((await client.consents()).locked).toBe(false)
  }))

test('a broker that is killed in the middle of a share costs nothing: it is signed once and comes into force', () =>
  withDevice(kathlyn, async ({ page, context }) => {
    await wishToShare(page, 'Brackwater Infirmary')
    let killed = false
    await context.route(`${quillhaven.broker}/relay`, async (route) => {
      if (!killed) {
        killed = true
        process.kill(brokerPid(quillhaven, dirname(sandboxFile())), 'SIGKILL')
      }
      await route.continue()
    })
    await press(page, 'Sign all 2 and share')
    await heading(page, 'You share this now')
    expect(killed).toBe(true)
    const { consents } = await kathlynAtQuillhaven.consents()
    expect(consents.filter(({ state }) => state === 'permit')).toMatchObject([
      { scope: organisation(brackwater) },
    ])
  }))

test('what is signed and cannot be delivered is kept through a reload and sent by itself', () =>
  withDevice(kathlyn, async ({ page, context }) => {
    await kathlynAtQuillhaven.grant({ to: organisation(brackwater), ...GRANT })
    await until(
      () => kathlynAtQuillhaven.consents(),
      ({ consents }) => consents.some(({ state }) => state === 'permit'),
    )
    await page.reload()
    await press(page, /passkey/i)
    await page.getByRole('link', { name: /Stop sharing with .*Brackwater/ }).click()
    await page.getByText('Ready to sign').first().waitFor()
    await context.route(`${quillhaven.broker}/relay`, (route) => route.abort())
    await press(page, 'Stop sharing')
    await page.getByText('Signed, not delivered yet').waitFor()
    await page.reload()
    await press(page, /passkey/i)
    await page.getByText('could not be delivered yet', { exact: false }).waitFor()
    await context.unroute(`${quillhaven.broker}/relay`)
    await page.getByText('has now reached', { exact: false }).waitFor()
    const { consents } = await until(
      () => kathlynAtQuillhaven.consents(),
      (own) => own.consents.every(({ state }) => state === 'silent'),
    )
    expect(consents.find(({ scope }) => scope.grantee === organisation(brackwater).grantee)?.state).toBe(
      'silent',
    )
  }))

test('a double click, a second device, the back button and a reload sign nothing twice and lose nothing', () =>
  withDevice(kathlyn, async ({ page }) => {
    await wishToShare(page, 'Brackwater Infirmary')
    await page.goBack()
    await heading(page, 'Until when?')
    await page.reload()
    await press(page, /passkey/i)
    await heading(page, 'Until when?')
    expect(await page.getByRole('radio', { name: '3 months' }).isChecked()).toBe(true)
    await press(page, 'Continue')
    await page.getByText('Ready to sign').nth(1).waitFor()
    // The authenticator of a tests' browser lies in one page, so the second place is a device of its own.
    const second = await openDevice(browser)
    const other = second.page
    await enterWords(second, portal, kathlyn.words)
    await wishToShare(other, 'Brackwater Infirmary', 'One month')
    await other.getByText('Ready to sign').nth(1).waitFor()
    await page.getByRole('button', { name: 'Sign all 2 and share' }).dblclick()
    await heading(page, 'You share this now')
    // The other one was built on what no longer stands: it is refused, said so, and can be read and signed anew.
    await press(other, 'Sign all 2 and share')
    await other.getByText('Another change of yours came first', { exact: false }).first().waitFor()
    const slot = (await kathlynAtQuillhaven.consents()).consents.find(
      ({ scope }) => scope.purpose === 'TREAT',
    )
    await press(other, 'Try again')
    await press(other, 'Sign all 2 and share')
    await heading(other, 'You share this now')
    const later = (await kathlynAtQuillhaven.consents()).consents.find(
      ({ scope }) => scope.purpose === 'TREAT',
    )
    expect(later?.version).toBe((slot?.version ?? 0) + 1)
    expect(second.complaints).toEqual([])
    await second.close()
  }))

test('a clock that is an hour slow signs nothing that never counts, and is said', () =>
  withDevice(kathlyn, async ({ page }) => {
    await wishToShare(page, 'Brackwater Infirmary')
    await page.getByText('Ready to sign').nth(1).waitFor()
    await page.evaluate(() => {
      const now = Date.now.bind(Date)
      Date.now = () => now() - 3_600_000
    })
    await page.getByRole('link', { name: 'Back' }).click()
    await press(page, 'Continue')
    await page.getByText('Ready to sign').nth(1).waitFor()
    await press(page, 'Sign all 2 and share')
    await page.getByText("your device's clock is wrong", { exact: false }).first().waitFor()
    expect((await kathlynAtQuillhaven.consents()).consents.every(({ state }) => state === 'silent')).toBe(
      true,
    )
  }))

test('an organisation cannot name itself into the page: no markup, no turned text, no endless line', async () => {
  const device = await openDevice(browser, { width: 320, height: 640 })
  const { page } = device
  try {
    await page.route(`${portal}/network.json`, async (route) => {
      const answer = await route.fetch()
      const network = await answer.json()
      const like = (name: string, value: string) => ({
        ...network.members[0],
        ...{ name, id: `0x${value.repeat(32)}`, custodian: false, identifier: { system: 'urn:test', value } },
      })
      network.members.push(
        like('<img src=x onerror=alert(1)><b>Bold</b>', 'a1'),
        like('\u202eKO si gnihtyrevE\u2066', 'b2'),
        like('Long'.repeat(2_500), 'c3'),
        like('Quillhaven Medical Centre', 'd4'),
      )
      await route.fulfill({ response: answer, json: network })
    })
    await enterWords(device, portal, kathlyn.words)
    await page.getByRole('link', { name: 'Share with somebody' }).click()
    await page.getByRole('radio', { name: /<img src=x/ }).waitFor()
    expect(await page.locator('main img, main b').count()).toBe(0)
    // One that calls itself as another does is told apart by its number.
    await page.getByRole('radio', { name: 'Quillhaven Medical Centre (d4)' }).waitFor()
    const text = (await page.locator('main').textContent()) ?? ''
    expect(text).not.toMatch(/[\u202a-\u202e]/)
    expect(text.length).toBeLessThan(5_000)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    expect(device.complaints).toEqual([])
  } finally {
    await device.close()
  }
})

test('nobody shares before there are two ways back to the words', () =>
  withDevice(kathlyn, async ({ page }) => {
    await page.evaluate(
      () =>
        new Promise<void>((done, fail) => {
          const opening = indexedDB.open('wayleave', 1)
          opening.onerror = () => fail(opening.error)
          opening.onsuccess = () => {
            const trx = opening.result.transaction('facts', 'readwrite')
            trx.objectStore('facts').delete('words-confirmed')
            trx.oncomplete = () => {
              opening.result.close()
              done()
            }
          }
        }),
    )
    await page.reload()
    await press(page, /passkey/i)
    await page.getByRole('link', { name: 'Share with somebody' }).click()
    await heading(page, 'First make sure that you cannot lose access')
    expect(await page.getByRole('radio').count()).toBe(0)
  }))

/** Where the sandbox of these journeys keeps its files. */
function sandboxFile(): string {
  const log = quillhaven.log
  return dirname(log)
}
