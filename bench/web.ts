/**
 * `npm run bench:web`: how long a person waits for the portal, on the sandbox, in a real Chromium; about two minutes on two cores.
 * Each time is the median of several, and goes into docs/performance.md.
 *
 * WAYLEAVE_WEB_SANDBOX may name the sandbox.json of one that runs already. Ends with 1 where an aim is missed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { ensurePages } from '../scripts/pages.ts'
import { readSandboxFile, type SandboxFile } from '../src/sandbox/sandbox-file.ts'
import { type Device, openDevice, startBrowser } from '../test/web/support/browser.ts'
import { enterWords, personOf } from '../test/web/support/journeys.ts'
import { recordLoads } from '../test/web/support/loads.ts'
import { openSandbox } from '../test/web/support/sandbox.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'performance.md')
const BEGIN = '<!-- begin bench:web -->\n'
const END = '<!-- end bench:web -->'
const RUNS = 7

type Figure = { what: string; ms: number[]; aimMs?: number }

const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}

/** A browser that has never been here, for one run. */
async function anew<T>(browser: Browser, run: (device: Device) => Promise<T>): Promise<T> {
  const device = await openDevice(browser)
  try {
    return await run(device)
  } finally {
    await device.close()
  }
}

async function firstPage(browser: Browser, { portal }: SandboxFile) {
  const ms: number[] = []
  let bytes = { script: 0, style: 0 }
  for (let i = 0; i < RUNS; i++)
    await anew(browser, async (device) => {
      const loads = await recordLoads(device)
      const start = device.page.getByRole('link', { name: 'Start' })
      ms.push(await timed(() => Promise.all([device.page.goto(portal), start.click({ trial: true })])))
      bytes = loads.bytes()
    })
  return { figure: { what: 'First page, until it can be used', ms, aimMs: 1_500 }, bytes }
}

async function toHome(browser: Browser, file: SandboxFile): Promise<Figure> {
  const ms: number[] = []
  for (let i = 0; i < RUNS; i++)
    await anew(browser, async (device) => {
      const summary = device.page.getByText(/can see (some of )?your records now/)
      ms.push(
        await timed(async () => {
          await enterWords(device, file.portal, personOf(file, 'Arthur').words)
          await summary.waitFor()
        }),
      )
    })
  return { what: 'From the first page through 12 words to home, which tells who can see what', ms }
}

async function grants(browser: Browser, file: SandboxFile): Promise<Figure> {
  const arthur = personOf(file, 'Arthur')
  const other = file.hospitals.find(({ key }) => arthur.at.every(({ hospital }) => hospital !== key))
  if (!other) throw new Error('Arthur is at home everywhere')
  const ms: number[] = []
  await anew(browser, async (device) => {
    const { page } = device
    await enterWords(device, file.portal, arthur.words)
    const next = () => page.getByRole('button', { name: 'Continue' }).click()
    for (let i = 0; i < RUNS; i++) {
      const grant = async () => {
        await page.getByRole('link', { name: 'Share with somebody' }).click()
        await page.getByRole('radio', { name: other.name }).check()
        for (let step = 0; step < 3; step++) await next()
        await page.getByRole('radio', { name: 'One month' }).check()
        await next()
        await page.getByRole('button', { name: /^Sign/ }).click()
        await page.getByRole('heading', { name: 'You share this now' }).waitFor()
      }
      ms.push(await timed(grant))
      await page.getByRole('link', { name: 'Go home' }).click()
      await page.getByRole('link', { name: /^Stop sharing with/ }).click()
      await page.getByRole('button', { name: 'Stop sharing', exact: true }).click()
      await page.getByRole('heading', { name: /^You have stopped sharing with/ }).waitFor()
      await page.getByRole('link', { name: 'Go home' }).click()
    }
  })
  return { what: 'A whole grant at two hospitals, from home until it is in force', ms, aimMs: 60_000 }
}

function table(figures: readonly Figure[], bytes: { script: number; style: number }): string {
  const seconds = (value: number) => (value / 1_000).toFixed(2)
  const rows = figures.map(({ what, ms, aimMs }) => {
    const aim = aimMs === undefined ? '' : seconds(aimMs)
    return `| ${what} | ${seconds(median(ms))} | ${seconds(Math.min(...ms))}–${seconds(Math.max(...ms))} | ${aim} |`
  })
  const kB = (value: number) => Math.round(value / 1_000)
  return `Median of ${RUNS}; ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}. The first page comes with ${kB(bytes.script)} kB of script and ${kB(bytes.style)} kB of style, compressed.

| | Seconds | from–to | at most |
| --- | --: | --: | --: |
${rows.join('\n')}
`
}

const running = process.env.WAYLEAVE_WEB_SANDBOX
await ensurePages()
const sandbox = running ? undefined : await openSandbox()
const browser = await startBrowser()
try {
  const file = sandbox?.file ?? readSandboxFile(running ?? '')
  const first = await firstPage(browser, file)
  const figures: Figure[] = [first.figure, await toHome(browser, file), await grants(browser, file)]
  const told = table(figures, first.bytes)
  process.stderr.write(told)
  const [before, rest] = readFileSync(PAGE, 'utf8').split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error('docs/performance.md has no marks')
  writeFileSync(PAGE, `${before}${BEGIN}${told}${END}${after}`)
  const missed = figures.filter(({ ms, aimMs }) => aimMs !== undefined && median(ms) > aimMs)
  process.exitCode = missed.length > 0 ? 1 : 0
} finally {
  await browser.close()
  await sandbox?.stop()
}
