import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openDevice, startBrowser } from './support/browser.ts'
import { enterWords, personOf } from './support/journeys.ts'

const sandbox = inject('sandbox')
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser.close())

test('from the words alone a new device finds the hospitals', async () => {
  const device = await openDevice(browser)
  await enterWords(device, sandbox.portal, personOf(sandbox, 'Arthur').words)
  await device.page.getByRole('heading', { name: 'Who can see what' }).waitFor()
  expect(device.complaints).toEqual([])
  await device.close()
})
