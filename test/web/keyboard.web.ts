import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { identifierText } from '../../src/domain/identity/member-id.ts'
import { patiently } from '../../src/sandbox/patiently.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { codeFor, personOf } from './support/journeys.ts'
import { type Keyboard, keyboardOf } from './support/keyboard.ts'
import { newcomer } from './support/newcomer.ts'
import { clientOf, hospitalOf } from './support/patients.ts'
import { livenUp } from './support/scenes.ts'

// Five ways through the portal without a mouse. Nothing is clicked; what has no focus is not used.

const sandbox = inject('sandbox')
const ashlyn = personOf(sandbox, 'Ashlyn')
const home = ashlyn.at[0]?.hospital ?? ''
const other = sandbox.hospitals.find(({ key }) => ashlyn.at.every(({ hospital }) => hospital !== key))
if (!other) throw new Error('Ashlyn is at home everywhere')
const to = { granteeType: 'Organization' as const, grantee: identifierText(other.identifier) }

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

async function byKeyboard(way: (keys: Keyboard, device: Device) => Promise<void>): Promise<void> {
  const device = await openDevice(browser)
  try {
    await device.page.goto(sandbox.portal)
    await way(keyboardOf(device), device)
    expect(device.complaints).toEqual([])
  } finally {
    await device.close()
  }
}

/** From the welcome page home, by words. */
async function enter(keys: Keyboard, words: string): Promise<void> {
  await keys.arrive('Your records, your say')
  await keys.press('link', 'I have my 12 words')
  await keys.fill('Your 12 words', words)
  await keys.press('button', 'Continue')
  await keys.arrive('Who can see what')
}

const consents = async () => (await patiently(() => clientOf(sandbox, home, ashlyn).consents())).consents
const shared = async () =>
  (await consents()).some(({ state, scope }) => state === 'permit' && scope.grantee === to.grantee)

test('somebody new enrols without a mouse', async () => {
  const hospital = sandbox.hospitals[0]
  if (!hospital) throw new Error('no hospital')
  const who = await newcomer([hospital])
  await byKeyboard(async (keys, device) => {
    const { page } = device
    await keys.arrive('Your records, your say')
    await keys.press('link', 'Start')
    await keys.arrive('At which hospital are you known?')
    await keys.choose(hospital.name)
    await keys.press('button', 'Continue')
    await keys.arrive('Find me')
    await keys.fill(/^Your BSN/, who.number)
    await keys.fill('Mobile number or email address', who.contact)
    await keys.press('button', 'Ask for a code')
    await keys.arrive('Your 12 words')
    await keys.press('button', 'Show my 12 words')
    const items = page.locator('ol[translate=no] > li')
    await items.nth(11).waitFor()
    const words = (await items.allInnerTexts()).map((text) => text.replace(/^\d+\s+/, ''))
    await keys.press('button', 'I have written them down')
    await keys.arrive('Check your words')
    for (const field of await page.getByRole('textbox', { name: /^Word \d+$/ }).all()) {
      const number = Number((await field.getAttribute('id'))?.replace('word-', ''))
      await keys.fill(`Word ${number}`, words[number - 1] ?? '')
    }
    await keys.press('button', 'Check')
    await keys.press('button', 'Make a passkey')
    await keys.arrive('Enter the code')
    await keys.fill('One-time code', await codeFor(device, sandbox.portal, who.contact, hospital.name))
    await keys.press('button', 'Continue')
    await keys.arrive(/Who can see what|A second way back/)
    // The hospital knows the key of these words.
    const own = clientOf(sandbox, hospital.key, { words: words.join(' ') })
    expect((await own.signIn(20_000)).handle).toMatch(/^0x[0-9a-f]{64}$/)
  })
}, 180_000)

test('sharing and stopping, without a mouse', async () => {
  if (await shared()) await clientOf(sandbox, home, ashlyn).revoke({ to, purpose: 'TREAT' })
  await byKeyboard(async (keys) => {
    await enter(keys, ashlyn.words)
    await keys.press('link', 'Share with somebody')
    await keys.arrive('Who may see your records?')
    await keys.choose(other.name)
    await keys.press('button', 'Continue')
    await keys.arrive('What may they see?')
    await keys.press('button', 'Continue')
    await keys.arrive('Why?')
    await keys.press('button', 'Continue')
    await keys.arrive('Until when?')
    await keys.choose('One month')
    await keys.press('button', 'Continue')
    await keys.arrive('Check, then sign')
    await keys.press('button', /^Sign/)
    await keys.arrive('You share this now')
    expect(await shared()).toBe(true)
    await keys.press('link', 'Go home')
    await keys.arrive('Who can see what')
    await keys.press('link', new RegExp(`^Stop sharing with .?${other.name}`))
    await keys.arrive(/^Stop sharing with/)
    await keys.press('button', 'Stop sharing')
    await keys.arrive(/^You have stopped sharing with/)
    const ask = { requester: other.member, purpose: 'TREAT', dataClass: 'problems' } as const
    const { decision } = await clientOf(sandbox, home, ashlyn).explain(ask)
    expect(decision).toBe('refuse')
  })
}, 240_000)

test('a request is answered with less than was asked for, without a mouse', async () => {
  await livenUp(sandbox, ashlyn)
  await byKeyboard(async (keys, { page }) => {
    await enter(keys, ashlyn.words)
    await keys.press('link', /^Requests/)
    await keys.arrive('Requests')
    await keys.press('link', 'Look and decide')
    await page.getByRole('button', { name: 'Next: read what you sign' }).waitFor()
    await keys.tick('Medicines')
    await keys.press('button', 'Next: read what you sign')
    await keys.press('button', /^Sign/)
    const custodian = hospitalOf(sandbox, home).name
    await page
      .getByText(new RegExp(`You said yes. Now .?${custodian}.? must agree.`))
      .first()
      .waitFor()
    const requests = await patiently(() => clientOf(sandbox, home, ashlyn).requests())
    expect(requests.some(({ answered }) => answered)).toBe(true)
  })
}, 240_000)

test('who looked is found, filtered and read, without a mouse', async () => {
  await livenUp(sandbox, ashlyn)
  await byKeyboard(async (keys, { page }) => {
    await enter(keys, ashlyn.words)
    await keys.press('link', 'Who looked')
    await keys.arrive('Who looked')
    await page.locator('li[data-ending="refused"]').first().waitFor()
    await keys.reach('combobox', 'Result')
    await page.keyboard.type('Ref')
    await expect.poll(() => page.locator('li[data-ending="allowed"]').count()).toBe(0)
    expect(await page.locator('li[data-ending="refused"]').count()).toBeGreaterThan(0)
    await keys.press('button', 'Show all again')
    await page.locator('li[data-ending="allowed"]').first().waitFor()
  })
}, 240_000)
