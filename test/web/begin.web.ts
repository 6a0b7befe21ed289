import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createWords } from '../../src/patient/seed.ts'
import { createHisClient } from '../../src/sandbox/his-client.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { codeOf, deskAt, deviceOf } from './support/desk.ts'
import { codeFor, enterWords, personOf } from './support/journeys.ts'
import { newcomer } from './support/newcomer.ts'

const sandbox = inject('sandbox')
const { portal } = sandbox
const { words } = personOf(sandbox, 'Tonisha')
const PASSPHRASE = 'heron lamp gravel Tuesday'
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

/** One device for one journey; whatever a page does wrong by itself fails it. */
async function withDevice(
  options: Parameters<typeof openDevice>[1],
  journey: (device: Device) => Promise<void>,
): Promise<void> {
  const device = await openDevice(browser, options)
  try {
    await journey(device)
    expect(device.complaints).toEqual([])
  } finally {
    await device.close()
  }
}

const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
const button = (page: Page, name: string) => page.getByRole('button', { name })
const alert = (page: Page, text: RegExp) => page.getByRole('alert').filter({ hasText: text }).waitFor()

/** How many seals and hospitals this browser keeps. */
const kept = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<{ seals: number; hospitals: number }>((done, fail) => {
        const opening = indexedDB.open('wayleave', 1)
        opening.onerror = () => fail(opening.error)
        opening.onsuccess = () => {
          const db = opening.result
          const trx = db.transaction(['seals', 'hospitals'])
          const [seals, hospitals] = [trx.objectStore('seals').count(), trx.objectStore('hospitals').count()]
          trx.oncomplete = () => {
            db.close()
            done({ seals: seals.result, hospitals: hospitals.result })
          }
        }
      }),
  )

test('one tab locked locks all, and a passkey opens each where it was', () =>
  withDevice({}, async (device) => {
    const { page, context } = device
    await enterWords(device, portal, words)
    const second = await context.newPage()
    await second.goto(`${portal}/devices`)
    await heading(second, 'This page is locked')
    // The authenticator lies in the first page: that one is asked.
    await page.goto(`${portal}/devices`)
    await heading(page, 'This page is locked')
    await button(page, 'Open with a passkey').click()
    await heading(page, 'My devices')
    expect(new URL(page.url()).pathname).toBe('/devices')
    await second.evaluate(() => new BroadcastChannel('wayleave.lock').postMessage('alive'))
    await button(page, 'Lock this page').click()
    await heading(page, 'This page is locked')
    await button(page, 'Open with a passkey').click()
    await heading(page, 'My devices')
    // What a locked tab says, every other one does.
    await second.evaluate(() => new BroadcastChannel('wayleave.lock').postMessage('lock'))
    await heading(page, 'This page is locked')
  }))

test('a passkey that is gone, or that nobody is verified for, opens nothing, and the words do', () =>
  withDevice({ authenticator: false }, async (device) => {
    const { page } = device
    const first = await device.addAuthenticator()
    await enterWords(device, portal, words)
    await page.goto(`${portal}/`)
    await device.removeAuthenticator(first)
    await device.addAuthenticator({ verified: false })
    await button(page, 'Open with a passkey').click()
    await alert(page, /Nothing was changed/)
    await page.getByRole('link', { name: /My passkey is gone/ }).click()
    await page.getByLabel('Your 12 words').fill(words)
    await button(page, 'Continue').click()
    // Still nobody is verified: no second seal comes of it.
    await alert(page, /Nothing was changed/)
    expect(await kept(page)).toMatchObject({ seals: 1 })
  }))

test('words that are mistyped are said to be, and nothing is saved', () =>
  withDevice({}, async (device) => {
    const { page } = device
    await page.goto(`${portal}/begin/words`)
    const list = words.split(' ')
    const tries: [string, RegExp][] = [
      [list.slice(1).join(' '), /There are 12 words, and here are 11/],
      [list.with(6, 'hosptal').join(' '), /Word 7 is not on the list/],
      ['abandon '.repeat(12), /do not fit together/],
    ]
    for (const [typed, told] of tries) {
      await page.getByLabel('Your 12 words').fill(typed)
      await button(page, 'Continue').click()
      await alert(page, told)
    }
    expect(await kept(page)).toEqual({ seals: 0, hospitals: 0 })
    await page.getByLabel('Your 12 words').fill(`  ${words.toUpperCase().replaceAll(' ', '\n')} `)
    await button(page, 'Continue').click()
    await page.waitForURL(`${portal}/`)
    expect(await kept(page)).toEqual({ seals: 1, hospitals: 1 })
  }))

test('a device without PRF is told so, and a file with a passphrase opens it and any other', () =>
  withDevice({ authenticator: { prf: false } }, async (device) => {
    const { page } = device
    await page.goto(`${portal}/begin/words`)
    await page.getByLabel('Your 12 words').fill(words)
    await button(page, 'Continue').click()
    await alert(page, /cannot open sealed words/)
    expect(await kept(page)).toMatchObject({ seals: 0 })
    await page.getByRole('link', { name: 'Use a passphrase and a file instead' }).click()
    const passphrase = page.getByLabel('Passphrase', { exact: true })
    const again = page.getByLabel('The passphrase once more')
    await passphrase.fill('short')
    await again.fill('short')
    await button(page, 'Save the file').click()
    await alert(page, /too short/)
    await passphrase.fill(PASSPHRASE)
    await again.fill(`${PASSPHRASE}!`)
    await button(page, 'Save the file').click()
    await alert(page, /not the same/)
    await again.fill(PASSPHRASE)
    const saving = page.waitForEvent('download')
    await button(page, 'Save the file').click()
    const saved = await saving
    expect(saved.suggestedFilename()).toBe('wayleave-words.jwe')
    const file = await saved.path()
    expect(readFileSync(file, 'utf8')).not.toMatch(new RegExp(words.split(' ').join('|')))
    await page.waitForURL(`${portal}/`)
    await page.reload()
    await page.getByLabel('Passphrase').fill('something else entirely')
    await button(page, 'Open with the passphrase').click()
    await alert(page, /This is not the passphrase/)
    await page.getByLabel('Passphrase').fill(PASSPHRASE)
    await button(page, 'Open with the passphrase').click()
    await heading(page, 'Who can see what')

    await withDevice({ authenticator: false }, async ({ page: other }) => {
      await other.goto(`${portal}/begin/file`)
      const chooser = other.waitForEvent('filechooser')
      await other.getByLabel('File').click()
      await (await chooser).setFiles(file)
      await other.getByLabel('Passphrase').fill(PASSPHRASE)
      await other.getByLabel('This is not my device').check()
      await button(other, 'Open').click()
      await heading(other, 'Who can see what')
      expect(await kept(other)).toEqual({ seals: 0, hospitals: 0 })
    })
  }))

test('a copied passkey keeps its signature and loses its secret: the words still open', () =>
  withDevice({ authenticator: false }, async (device) => {
    const { page, cdp } = device
    const first = await device.addAuthenticator()
    await enterWords(device, portal, words)
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId: first })
    await device.removeAuthenticator(first)
    const copy = await device.addAuthenticator()
    for (const credential of credentials)
      await cdp.send('WebAuthn.addCredential', { authenticatorId: copy, credential })
    await page.goto(`${portal}/`)
    await button(page, 'Open with a passkey').click()
    await alert(page, /cannot open sealed words|could be opened/)
    await page.getByRole('link', { name: /My passkey is gone/ }).click()
    await page.getByLabel('Your 12 words').fill(words)
    await button(page, 'Continue').click()
    await page.waitForURL(`${portal}/`)
    await heading(page, 'Who can see what')
    // The seal that nothing opens any more stays until its owner removes it; the new one opens.
    expect(await kept(page)).toEqual({ seals: 2, hospitals: 1 })
  }))

test('at another address than its own, the portal makes no passkey and says why', () =>
  withDevice({}, async ({ page, complaints }) => {
    await page.goto(`${portal.replace('localhost', '127.0.0.1')}/`)
    await alert(page, /do not work at this address/)
    await page.getByRole('link', { name: 'I have my 12 words' }).click()
    await page.getByLabel('Your 12 words').fill(words)
    await button(page, 'Continue').click()
    await alert(page, /do not work at this address/)
    expect(await kept(page)).toEqual({ seals: 0, hospitals: 0 })
    expect(complaints).toEqual([])
  }))

test('a second passkey is named and removed, the last way in never; and the words are rehearsed unseen', () =>
  withDevice({}, async (device) => {
    const { page } = device
    await enterWords(device, portal, words)
    await page.getByRole('link', { name: 'My devices' }).click()
    await heading(page, 'My devices')
    await page.getByText('There are two ways to your words.').waitFor()
    expect(await page.getByRole('button', { name: /^Remove (?!everything)/ }).count()).toBe(0)
    // The device has one of these words already.
    await button(page, 'Add a passkey of this device').click()
    await alert(page, /already/)
    await device.addAuthenticator({ usb: true, largeBlob: true })
    await button(page, 'Add a security key or another phone').click()
    await page.getByText('This key holds your words').waitFor()
    await button(page, 'Rename Security key').click()
    await page.getByLabel('New name').fill('Key in the drawer')
    await button(page, 'Save').click()
    await button(page, 'Remove Key in the drawer').click()
    await button(page, 'Yes, remove it').click()
    await page.getByText('The last one cannot be removed.').waitFor()

    await page.getByRole('link', { name: 'Rehearse' }).click()
    await heading(page, 'Check your words')
    const list = words.split(' ')
    const fields = page.getByRole('textbox')
    for (const field of await fields.all()) await field.fill('zoo')
    await button(page, 'Check').click()
    await alert(page, /This is not word \d+/)
    await answerCheck(page, list)
    await heading(page, 'My devices')
  }))

/** Types each of the words that the page asks for. */
async function answerCheck(page: Page, list: readonly string[]): Promise<void> {
  await heading(page, 'Check your words')
  for (const field of await page.getByRole('textbox', { name: /^Word \d+$/ }).all()) {
    const id = (await field.getAttribute('id')) ?? ''
    await field.fill(list[Number(id.replace('word-', '')) - 1] ?? '')
  }
  await button(page, 'Check').click()
}

test('other words do not slip into a browser that holds some, unless its owner says so', () =>
  withDevice({}, async (device) => {
    const { page } = device
    await enterWords(device, portal, words)
    const other = personOf(sandbox, 'Garry').words
    await page.goto(`${portal}/begin/words`)
    await page.getByLabel('Your 12 words').fill(other)
    await button(page, 'Continue').click()
    await alert(page, /This browser holds other words/)
    await page.goto(`${portal}/begin/words`)
    await page.getByLabel('Your 12 words').fill(other)
    await button(page, 'Continue').click()
    await button(page, 'Remove them and use mine').click()
    await page.waitForURL(`${portal}/`)
    expect(await kept(page)).toMatchObject({ seals: 1 })
  }))

/** Types who somebody is at a hospital, and asks for a code. */
async function findMe(page: Page, hospital: string, who: { number: string; contact: string }): Promise<void> {
  await heading(page, 'At which hospital are you known?')
  await page.getByLabel('Search by name').fill(hospital.slice(0, 6).toLowerCase())
  await page.getByLabel(hospital).check()
  await button(page, 'Continue').click()
  await heading(page, 'Find me')
  await page.getByLabel(/^Your BSN/).fill(who.number)
  await page.getByLabel('Mobile number or email address').fill(who.contact)
  await button(page, 'Ask for a code').click()
}

/** The 12 words that the page shows. */
async function shownWords(page: Page): Promise<string[]> {
  await button(page, 'Show my 12 words').click()
  const items = page.locator('ol[translate=no] > li')
  await items.nth(11).waitFor()
  return (await items.allInnerTexts()).map((text) => text.replace(/^\d+\s+/, ''))
}

test('somebody who is new finds themselves, keeps their words, proves a code and adds a second way before sharing', () =>
  withDevice({}, async (device) => {
    const { page } = device
    const [first, second] = sandbox.hospitals
    if (!first || !second) throw new Error('The sandbox has three hospitals')
    const who = await newcomer([first, second])
    await page.goto(`${portal}/`)
    await heading(page, 'Your records, your say')
    await page.getByRole('link', { name: 'Start' }).click()
    // Nothing chosen, and numbers that cannot be right: said at once, and nothing is sent.
    await button(page, 'Continue').click()
    await alert(page, /Choose a hospital/)
    await findMe(page, first.name, {
      number: who.number.replace(/.$/, (last) => String((Number(last) + 1) % 10)),
      contact: '',
    })
    await alert(page, /This is no BSN as it stands[\s\S]*Write your mobile number/)
    await page.getByLabel(/^Your BSN/).fill(who.number)
    await page.getByLabel('Mobile number or email address').fill(who.contact)
    await button(page, 'Ask for a code').dblclick()
    await heading(page, 'Your 12 words')
    const words = await shownWords(page)
    // Away and back in the middle: the words are the same ones, and nothing is saved yet.
    await page.goBack()
    await heading(page, 'Find me')
    await page.goForward()
    expect(await shownWords(page)).toEqual(words)
    expect(await kept(page)).toEqual({ seals: 0, hospitals: 0 })
    await button(page, 'I have written them down').click()
    await heading(page, 'Check your words')
    await page.getByRole('link', { name: 'I will do this later' }).click()
    await button(page, 'Make a passkey').dblclick()
    await heading(page, 'Enter the code')
    expect(await kept(page)).toEqual({ seals: 1, hospitals: 0 })
    await page.getByLabel('One-time code').fill('12345678')
    await button(page, 'Continue').click()
    await alert(page, /This code does not fit/)
    await page.getByLabel('One-time code').fill(await codeFor(device, portal, who.contact, first.name))
    await button(page, 'Continue').click()
    await heading(page, 'A second way back')
    await page.getByRole('link', { name: 'Check my words' }).click()
    await answerCheck(page, words)
    await heading(page, 'My devices')
    await page.getByText('There are two ways to your words.').waitFor()

    // A further hospital with the same words.
    await page.getByRole('link', { name: 'My hospitals' }).click()
    await page.getByRole('link', { name: 'Add a hospital' }).click()
    await findMe(page, second.name, who)
    await heading(page, 'Enter the code')
    await page.getByLabel('One-time code').fill(await codeFor(device, portal, who.contact, second.name))
    await button(page, 'Continue').click()
    await heading(page, 'Who can see what')
    expect(await kept(page)).toEqual({ seals: 1, hospitals: 2 })

    await withDevice({}, async (other) => {
      await enterWords(other, portal, words.join(' '))
      await heading(other.page, 'Who can see what')
      expect(await kept(other.page)).toEqual({ seals: 1, hospitals: 2 })
    })
  }))

/** A hospital's program writes down a consent for its patient to sign: another hospital may see everything that is not private. */
async function prepare(patientId: string, effect: 'permit' | 'deny'): Promise<void> {
  const [custodian, grantee] = sandbox.hospitals
  if (!custodian || !grantee) throw new Error('The sandbox has three hospitals')
  const { broker, his, identifier } = custodian
  const user = { id: 'desk-7', name: 'Desk of the outpatients', role: 'clerk' }
  const answer = await createHisClient({ broker, client: his, organization: identifier, user }).fhir(
    'POST',
    'Consent',
    {
      resourceType: 'Consent',
      status: 'proposed',
      scope: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
      },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: `Patient/${patientId}` },
      provision: {
        type: effect,
        actor: [
          {
            role: {
              coding: [
                { system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' },
              ],
            },
            reference: { type: 'Organization', identifier: grantee.identifier },
          },
        ],
        purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
        ...(effect === 'permit'
          ? {
              securityLabel: [
                { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'N' },
              ],
            }
          : {}),
      },
    },
  )
  if (answer.status !== 201) throw new Error(`Filing was answered ${answer.status} ${answer.code ?? ''}`)
}

test('without a phone, a security key signs at the desk what staff have prepared, and the tablet keeps nothing', () =>
  withDevice({ authenticator: false }, async (device) => {
    const { page } = device
    const [custodian, grantee] = sandbox.hospitals
    if (!custodian || !grantee) throw new Error('The sandbox has three hospitals')
    const who = await newcomer([custodian])
    const nothing = { seals: 0, hospitals: 0 }
    await page.goto(`${portal}/begin/no-phone`)
    await page.getByRole('link', { name: 'To the security key' }).click()
    // One that yields no secret, and one without room for words.
    const poor = await device.addAuthenticator({ usb: true, prf: false })
    await button(page, 'Open with my security key').click()
    await alert(page, /Nothing was changed/)
    await device.removeAuthenticator(poor)
    await button(page, 'Set up a new key').click()
    const words = await shownWords(page)
    await button(page, 'I have written them down').click()
    await answerCheck(page, words)
    await page.getByLabel('I have my words on paper').check()
    const small = await device.addAuthenticator({ usb: true, largeBlob: false })
    await button(page, 'Put the words on the key').click()
    await alert(page, /no room|not work/)
    await device.removeAuthenticator(small)
    await device.addAuthenticator({ usb: true, largeBlob: true })
    await button(page, 'Put the words on the key').click()
    await findMe(page, custodian.name, who)
    await heading(page, 'Enter the code')
    await page.getByLabel('One-time code').fill(await codeFor(device, portal, who.contact, custodian.name))
    await button(page, 'Continue').click()
    await heading(page, 'Who can see what')
    await button(page, 'Lock this page').click()
    await heading(page, 'Your records, your say')
    expect(await kept(page)).toEqual(nothing)

    await prepare(who.ids[0] ?? '', 'permit')
    await page.goto(`${portal}/begin/key`)
    await button(page, 'Open with my security key').click()
    await heading(page, 'Who can see what')
    await page.getByRole('link', { name: 'My devices' }).click()
    await page.getByText('This is not your device').waitFor()
    await page.getByRole('link', { name: 'What my hospital has prepared' }).click()
    await page.getByText('Written down by').waitFor()
    await page
      .getByText(new RegExp(`${grantee.name}.* may see these records of yours at .*${custodian.name}`))
      .waitFor()
    await button(page, 'Sign this').dblclick()
    await page.getByText('Signed and sent.').waitFor()
    const own = deviceOf(sandbox, custodian, words.join(' '))
    await expect
      .poll(async () => (await own.consents()).consents.map(({ state, version }) => ({ state, version })), {
        timeout: 30_000,
      })
      .toEqual([{ state: 'permit', version: 1 }])

    // The next thing prepared is declined: nothing of it is signed.
    await prepare(who.ids[0] ?? '', 'deny')
    await button(page, 'All right').click()
    await button(page, 'No, I do not want this').click()
    await page.getByText('Nothing waits for you.').waitFor()
    expect((await own.consents()).consents).toHaveLength(1)
    expect(await kept(page)).toEqual(nothing)
  }))

test(
  'words that are lost are replaced at the desk: the old device is told loudly and stops it once, the new one waits',
  () =>
    withDevice({}, async (old) => {
      const [hospital] = sandbox.hospitals
      if (!hospital) throw new Error('The sandbox has hospitals')
      const who = await newcomer([hospital])
      const desk = deskAt(sandbox, hospital)
      const oldWords = createWords()
      await deviceOf(sandbox, hospital, oldWords).enrol(await desk.enrolment(who))
      await deviceOf(sandbox, hospital, oldWords).signIn(20_000)
      await enterWords(old, portal, oldWords)
      await heading(old.page, 'Who can see what')

      await withDevice({}, async ({ page }) => {
        await page.goto(`${portal}/begin/lost`)
        await button(page, 'I have been at the desk').click()
        const words = await shownWords(page)
        await button(page, 'I have written them down').click()
        await answerCheck(page, words)
        await button(page, 'Make a passkey').click()
        await heading(page, 'Your new words take over')
        await button(page, 'Use my new words').click()
        await alert(page, /Write the reference/)
        const first = await desk.begin(who)
        await page.getByLabel('Hospital').selectOption({ label: hospital.name })
        await page.getByLabel('Reference of the desk').fill(first.toUpperCase())
        await page.getByLabel('One-time code').fill('00000000')
        await button(page, 'Use my new words').click()
        await alert(page, /This code does not fit/)
        await page.getByLabel('One-time code').fill(await codeOf(portal, first))
        await button(page, 'Use my new words').dblclick()
        await heading(page, 'My devices')
        await page.getByText('your new words do not count yet').waitFor()

        // Loud on whatever page the old device opens, and stopped by one button.
        await old.page.reload()
        await button(old.page, 'Open with a passkey').click()
        await old.page.getByRole('link', { name: 'My devices' }).click()
        await alert(old.page, /Somebody is taking your place/)
        await button(old.page, 'This was not me: stop it').click()
        await old.page.getByText('Stopped.').waitFor()
        await expect.poll(async () => desk.state(first), { timeout: 30_000 }).toBe('vetoed')
        await page.reload()
        await button(page, 'Open with a passkey').click()
        await alert(page, /does not know this device any more|your new words were stopped/)

        // Two people at the desk go on all the same; the old device has no second word.
        const second = await desk.begin(who, { overrides: true })
        await deviceOf(sandbox, hospital, words.join(' ')).recover({
          recovery: second,
          code: await codeOf(portal, second),
        })
        await expect.poll(async () => desk.state(second), { timeout: 30_000 }).toBe('overriding')
        await old.page.reload()
        await button(old.page, 'Open with a passkey').click()
        await old.page.getByText('You have stopped this once').waitFor()
        expect(await button(old.page, 'This was not me: stop it').count()).toBe(0)
      })
    }),
  120_000,
)
