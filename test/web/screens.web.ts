import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { LANGUAGES } from '../../src/web/shared/languages.ts'
import { type Device, openDevice, startBrowser } from './support/browser.ts'
import { identifiersOf } from './support/identifiers.ts'
import { enterConsole, enterWords, personOf } from './support/journeys.ts'
import { standing, violations, walkByTab } from './support/look-over.ts'
import { type Newcomer, newcomer } from './support/newcomer.ts'
import { takePicture } from './support/pictures.ts'
import { open, pathsOf } from './support/routes.ts'
import { livenUp, NO_PAGES, SCENES, type Scene } from './support/scenes.ts'
import { type Watch, watch } from './support/watch.ts'

const sandbox = inject('sandbox')
const juan = personOf(sandbox, 'Juan')

const SIZES = {
  mobile: { width: 320, height: 640 },
  desktop: { width: 1_280, height: 900 },
} as const

/** Where pictures of the screens go, if they are wanted: SCREENS=1. */
const PICTURES =
  process.env.SCREENS === '1' ? join(import.meta.dirname, '..', '..', 'docs', 'screens') : undefined
if (PICTURES) mkdirSync(PICTURES, { recursive: true })

let browser: Browser
let device: Device
let seen: Watch
let someone: Newcomer

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

/** The page as it is now, in both themes, two sizes and every language. */
async function lookOver(page: Page, name: string): Promise<string[]> {
  const wrong: string[] = []
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport)
    for (const [language, { direction }] of Object.entries(LANGUAGES)) {
      await speak(page, language)
      for (const colorScheme of ['light', 'dark'] as const) {
        await paint(page, colorScheme)
        const where = `${name}, ${size}, ${language}, ${colorScheme}`
        const found = await violations(page, colorScheme === 'light' ? 'all' : 'colours')
        wrong.push(...found.map((one) => `${where}: ${one}`))
        if (PICTURES) await picture(page, name, size, language, colorScheme)
        if (colorScheme === 'dark') continue
        const at = await standing(page)
        if (at.sideways > 0) wrong.push(`${where}: ${at.sideways} px too wide: ${at.sticksOut.join(' | ')}`)
        if (at.lang !== language || at.dir !== direction)
          wrong.push(`${where}: said to be in ${at.lang}, ${at.dir}`)
        if (at.headings !== 1) wrong.push(`${where}: ${at.headings} first headings`)
        if (!at.title.startsWith(at.heading) || at.heading === '')
          wrong.push(`${where}: the window is called ${at.title}, the page ${at.heading}`)
        if (at.moving.length > 0) wrong.push(`${where}: moves, though asked not to: ${at.moving.join(' | ')}`)
        if (at.small.length > 0) wrong.push(`${where}: too small to be hit: ${at.small.join(' | ')}`)
        if (at.focus === 'body' || at.focus === '') wrong.push(`${where}: the focus is lost`)
      }
    }
  }
  await speak(page, 'en')
  await paint(page, 'light')
  for (const viewport of Object.values(SIZES)) {
    await page.setViewportSize(viewport)
    wrong.push(...(await walkByTab(page)).map((one) => `${name}, ${viewport.width} px: ${one}`))
  }
  return wrong
}

async function speak(page: Page, language: string): Promise<void> {
  if ((await page.evaluate(() => document.documentElement.lang)) === language) return
  await page.getByRole('banner').getByRole('combobox').selectOption(language)
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language)
  await seen.quiet(60)
}

async function paint(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  const painted = (wanted: string) => document.documentElement.dataset.mantineColorScheme === wanted
  await page.waitForFunction(painted, colorScheme)
}

async function picture(page: Page, name: string, size: string, language: string, scheme: string) {
  const wanted =
    (size === 'desktop' && scheme === 'light' && language === 'en' && 'desktop') ||
    (size === 'mobile' && scheme === 'dark' && language === 'en' && 'mobile-dark') ||
    (size === 'mobile' && scheme === 'light' && language === 'ar' && name.endsWith('home') && 'mobile-arabic')
  if (!wanted || !PICTURES) return
  await page.evaluate(() => window.scrollTo(0, 0))
  writeFileSync(join(PICTURES, `${name}-${wanted}.png`), await takePicture(page))
}

async function show(scene: Scene, base: string): Promise<string[]> {
  const { page } = device
  await page.setViewportSize(SIZES.desktop)
  if (scene.act) await scene.act(page, { file: sandbox, device, newcomer: someone })
  else await open(page, `${base}${scene.route}`)
  await seen.quiet()
  await page.waitForFunction(() => !document.querySelector('.mantine-Loader-root, [aria-busy="true"]'))
  const { focus } = await standing(page)
  // After an act the focus may be on what the act is about, such as a summary of errors, but never nowhere.
  const kept = focus === 'h1' || (scene.act !== undefined && focus !== 'body')
  const lost = kept ? [] : [`${scene.name}: the focus went to ${focus}, not to the heading`]
  return [...lost, ...(await lookOver(page, scene.name))]
}

const OFFICE = sandbox.hospitals[0]

/** The origin and the path below which an application lies, and a browser in which somebody has opened it. */
const OPENED = {
  stranger: async () => {
    await device.page.goto(sandbox.portal)
  },
  person: () => enterWords(device, sandbox.portal, juan.words),
  officer: () => enterConsole(device, sandbox, OFFICE?.key ?? ''),
}

describe.each(['stranger', 'person', 'officer'] as const)('what is seen by a %s:', (who) => {
  let identifiers: Map<string, string>

  beforeAll(async () => {
    device = await openDevice(browser)
    seen = watch(device.page)
    identifiers = await identifiersOf(sandbox, juan)
    someone = await newcomer(sandbox.hospitals.slice(0, 1))
    identifiers.set(someone.number, 'a national ID').set(someone.contact, 'an address')
    await livenUp(sandbox, juan)
    await OPENED[who]()
    await device.page.getByRole('heading', { level: 1 }).waitFor()
  }, 240_000)
  afterAll(() => device.close())

  test('every page is looked at', async () => {
    const scenes = who === 'officer' ? SCENES.officer : [...SCENES.stranger, ...SCENES.person]
    const looked = scenes.map(({ route }) => route)
    const known = (await pathsOf(device.page)).filter((path) => !NO_PAGES.includes(path))
    expect(known.length).toBeGreaterThan(5)
    expect(known.filter((path) => !looked.includes(path))).toEqual([])
  })

  test.each(SCENES[who].map((scene) => [scene.name, scene] as const))(
    '%s',
    async (_name, scene) => {
      expect(await show(scene, who === 'officer' ? '/console' : '')).toEqual([])
    },
    240_000,
  )

  test('nothing but this network was asked, and no policy was broken', () => {
    expect(device.complaints).toEqual([])
    expect(seen.errors()).toEqual([])
  })

  test('no address, of a page or of anything that it asked for, tells who or what it is about', () => {
    const telling = seen.addresses().flatMap((address) => {
      const decoded = decodeURIComponent(address.replaceAll('+', ' '))
      const found = [...identifiers].filter(([secret]) =>
        decoded.toLowerCase().includes(secret.toLowerCase()),
      )
      return found.map(([, what]) => `${what}: ${address}`)
    })
    expect(telling).toEqual([])
    expect(seen.addresses().length).toBeGreaterThan(5)
  })
})
