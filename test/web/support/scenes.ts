import type { Page } from 'playwright-core'
import { dateOfDay, dayOf } from '../../../src/domain/days.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { requestTask } from '../../../src/fhir/request-task.ts'
import { codeToHelp } from '../../../src/patient/helpers.ts'
import { NotYet, patiently } from '../../../src/sandbox/patiently.ts'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import type { Device } from './browser.ts'
import { goTo } from './journeys.ts'
import type { Newcomer } from './newcomer.ts'
import { clientOf, hisOf, hospitalOf } from './patients.ts'

/** What acts in a scene need to know. */
export type Cast = { file: SandboxFile; device: Device; newcomer: Newcomer }

/** One screen: where it is, or what is done on the one before it to come there. */
export type Scene = {
  /** Name of its pictures: portal or console, then the screen. */
  name: string
  /** The route, as the router has it. */
  route: string
  act?: (page: Page, cast: Cast) => Promise<unknown>
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
const follow = (page: Page, name: string | RegExp) =>
  page.getByRole('main').getByRole('link', { name }).first().click()

let words: string[] = []

/** From nothing to a key that a hospital knows: pages that need no key first, then the way in, step by step. */
const STRANGER: readonly Scene[] = [
  { name: 'portal-welcome', route: '/' },
  { name: 'portal-words', route: '/begin/words' },
  { name: 'portal-file', route: '/begin/file' },
  { name: 'portal-key', route: '/begin/key' },
  { name: 'portal-no-phone', route: '/begin/no-phone' },
  { name: 'portal-lost', route: '/begin/lost' },
  { name: 'portal-sandbox-phone', route: '/sandbox/phone' },
  { name: 'portal-hospital', route: '/begin/hospital' },
  {
    name: 'portal-find-me',
    route: '/begin/me',
    act: async (page, { file }) => {
      await page.getByLabel(file.hospitals[0]?.name ?? '').check()
      await press(page, 'Continue')
      await heading(page, 'Find me')
    },
  },
  {
    name: 'portal-new-words',
    route: '/begin/new-words',
    act: async (page, { newcomer }) => {
      await page.getByLabel(/^Your BSN/).fill(newcomer.number)
      await page.getByLabel('Mobile number or email address').fill(newcomer.contact)
      await press(page, 'Ask for a code')
      await press(page, 'Show my 12 words')
      const items = page.locator('ol[translate=no] > li')
      await items.nth(11).waitFor()
      words = (await items.allInnerTexts()).map((text) => text.replace(/^\d+\s+/, ''))
    },
  },
  {
    name: 'portal-check-words',
    route: '/begin/check-words',
    act: async (page) => {
      await press(page, 'I have written them down')
      await heading(page, 'Check your words')
    },
  },
  {
    name: 'portal-passkey',
    route: '/begin/passkey',
    act: async (page) => {
      for (const field of await page.getByRole('textbox', { name: /^Word \d+$/ }).all()) {
        const id = (await field.getAttribute('id')) ?? ''
        await field.fill(words[Number(id.replace('word-', '')) - 1] ?? '')
      }
      await press(page, 'Check')
      await page.getByRole('button', { name: 'Make a passkey' }).waitFor()
    },
  },
  {
    name: 'portal-passphrase',
    route: '/begin/passphrase',
    act: async (page) => {
      await follow(page, 'Use a passphrase and a file instead')
      await page.getByRole('button', { name: 'Save the file' }).waitFor()
      await page.goBack()
      await page.getByRole('button', { name: 'Make a passkey' }).waitFor()
      await page.goForward()
      await page.getByRole('button', { name: 'Save the file' }).waitFor()
    },
  },
  {
    name: 'portal-code',
    route: '/begin/code',
    act: async (page) => {
      await page.goBack()
      await press(page, 'Make a passkey')
      await heading(page, 'Enter the code')
    },
  },
]

/** Somebody who shares, was asked, and was looked at. */
const PERSON: readonly Scene[] = [
  { name: 'portal-home', route: '/' },
  {
    name: 'portal-share',
    route: '/shares/$key',
    act: async (page) => {
      await follow(page, /^See details of what/)
      await heading(page, /can see/)
    },
  },
  {
    name: 'portal-share-less',
    route: '/shares/$key/change',
    act: (page) => follow(page, 'Share less'),
  },
  {
    name: 'portal-share-longer',
    route: '/shares/$key/renew',
    act: async (page) => {
      await page.goBack()
      await follow(page, 'Share for longer')
    },
  },
  {
    name: 'portal-proof',
    route: '/shares/$key/proof',
    act: async (page) => {
      await page.goBack()
      await follow(page, 'Check it yourself')
      await heading(page, 'Check it yourself')
    },
  },
  {
    name: 'portal-stop',
    route: '/stop/$key',
    act: async (page) => {
      await goTo(page, 'Home')
      await follow(page, /^Stop sharing with/)
      await page.getByRole('button', { name: 'Stop sharing', exact: true }).waitFor()
    },
  },
  { name: 'portal-share-who', route: '/share/who' },
  {
    name: 'portal-share-what',
    route: '/share/what',
    act: async (page, { file }) => {
      await page.getByRole('radio', { name: file.hospitals[1]?.name ?? '' }).check()
      await press(page, 'Continue')
      await heading(page, 'What may they see?')
    },
  },
  {
    name: 'portal-share-why',
    route: '/share/why',
    act: async (page) => {
      await press(page, 'Continue')
      await heading(page, 'Why?')
    },
  },
  {
    name: 'portal-share-until',
    route: '/share/until',
    act: async (page) => {
      await press(page, 'Continue')
      await heading(page, 'Until when?')
    },
  },
  {
    name: 'portal-share-check',
    route: '/share/check',
    act: async (page) => {
      await page.getByRole('radio', { name: 'One month' }).check()
      await press(page, 'Continue')
      await page.getByRole('button', { name: /^Sign/ }).waitFor()
    },
  },
  { name: 'portal-object', route: '/object' },
  {
    name: 'portal-say-no',
    route: '/object/$key',
    act: async (page, { file }) => {
      await page.getByRole('radio', { name: file.hospitals[1]?.name ?? '' }).check()
      await press(page, 'Continue')
      await page.getByRole('button', { name: 'Say no', exact: true }).waitFor()
    },
  },
  { name: 'portal-pause', route: '/pause' },
  { name: 'portal-requests', route: '/requests' },
  {
    name: 'portal-answer',
    route: '/requests/answer',
    act: async (page) => {
      await follow(page, 'Look and decide')
      await page.getByRole('button', { name: 'Decide later' }).waitFor()
    },
  },
  { name: 'portal-proposals', route: '/proposals' },
  { name: 'portal-history', route: '/history' },
  { name: 'portal-reported', route: '/history/reported' },
  { name: 'portal-records', route: '/records' },
  { name: 'portal-news', route: '/news' },
  { name: 'portal-devices', route: '/devices' },
  { name: 'portal-hospitals', route: '/hospitals' },
  { name: 'portal-second-way', route: '/begin/second-way' },
  { name: 'portal-recover', route: '/recover' },
  { name: 'portal-helping', route: '/helping' },
  { name: 'portal-appoint', route: '/helpers/appoint' },
  { name: 'portal-helpers', route: '/helpers' },
  {
    name: 'portal-end-help',
    route: '/helpers/end/$key',
    act: async (page) => {
      await follow(page, 'End this')
      await page.getByRole('button', { name: 'End it' }).waitFor()
    },
  },
]

/** A compliance officer, after the invitation. */
const OFFICER: readonly Scene[] = [
  { name: 'console-overview', route: '/' },
  { name: 'console-search', route: '/search' },
  {
    name: 'console-timeline',
    route: '/timeline',
    act: async (page) => {
      const given = page.getByRole('row').filter({ hasText: 'Record given' }).first()
      await given.getByRole('button', { name: 'Details' }).click()
      await follow(page, 'All about this patient')
      await page.getByRole('heading', { level: 1, name: /^All about/ }).waitFor()
    },
  },
  { name: 'console-look-up', route: '/look-up' },
  { name: 'console-reports', route: '/reports' },
  { name: 'console-members', route: '/members' },
  { name: 'console-holds', route: '/holds' },
]

export const SCENES = { stranger: STRANGER, person: PERSON, officer: OFFICER } as const

/** Addresses that are no pages of their own: layouts, and what leads on at once. */
export const NO_PAGES = ['/begin', '/share', '/share/']

/** Gives a person something to see: one share that was used, one look refused, one request that waits. */
export async function livenUp(file: SandboxFile, person: SandboxFile['patients'][number]): Promise<void> {
  const [home] = person.at
  const other = file.hospitals.find(({ key }) => person.at.every(({ hospital }) => hospital !== key))
  if (!home || !other) throw new Error(`${person.name} is at home everywhere`)
  const custodian = hospitalOf(file, home.hospital)
  const client = clientOf(file, home.hospital, person)
  const to = { granteeType: 'Organization' as const, grantee: identifierText(other.identifier) }
  const his = hisOf(file, other.key)
  const { consents } = await patiently(() => client.consents())
  if (!consents.some(({ state, scope }) => state === 'permit' && scope.grantee === to.grantee))
    await patiently(() =>
      client.grant({ to, purpose: 'TREAT', classes: ['problems', 'medications', 'allergies'] }),
    )
  await patiently(async () => {
    const { body } = await his.list(person.nationalId, 'TREAT')
    const id = body.entry?.find(({ resource }) => resource?.resourceType === 'DocumentReference')?.resource
      ?.id
    if (!id) throw new NotYet('nothing is shared yet')
    const read = await his.open(id, 'TREAT')
    if (read.status !== 200) throw new NotYet(`read: ${read.status}`)
    await his.open(id, 'HRESCH')
  })
  const today = dayOf(Date.now())
  if ((await client.delegates()).length === 0) {
    // One person's words serve for all; whom they help is told apart by the number.
    const at = file.patients.indexOf(person)
    const helper = file.patients.find((one) => one !== person && one.name.includes('Arthur'))?.words ?? ''
    const code = codeToHelp(helper, custodian.member, at)
    await client.appoint(
      { code, name: 'My daughter' },
      { may: ['mayRevoke', 'mayLock'], until: dateOfDay(today + 60) },
    )
  }
  const waiting = await patiently(() => client.requests())
  if (waiting.some(({ answered }) => !answered)) return
  const task = requestTask({
    ...{ patient: person.nationalId, custodian: custodian.identifier, patientNamedCustodian: true },
    ...{ reason: 'You see us on Thursday. We would like to know what you take.' },
    ...{ dataClasses: ['problems', 'medications', 'observations'], sensitivities: [] },
    ...{ from: dateOfDay(today), until: dateOfDay(today + 30), answerUntil: dateOfDay(today + 2) },
  })
  await patiently(() => his.ask(task, 'TREAT'))
}
