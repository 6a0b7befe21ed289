import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { createOperatorClient } from '../../../src/sandbox/operator-client.ts'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
import { loadKeyring } from '../../../src/store/key-file.ts'
import type { Device } from './browser.ts'

/** A sample patient of the sandbox, by a part of the name. */
export function personOf(file: SandboxFile, name: string): SandboxFile['patients'][number] {
  const person = file.patients.find((one) => one.name.includes(name))
  if (!person) throw new Error(`Nobody is called ${name}`)
  return person
}

/** Brings a sample patient's words onto a new device: a passkey seals them, and the hospitals are found. */
export async function enterWords({ page }: Device, portal: string, words: string): Promise<void> {
  await page.goto(`${portal}/begin/words`)
  await page.getByLabel('Your 12 words').fill(words)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForURL(`${portal}/`)
}

/** Invites a compliance officer to a hospital's console, and opens it by a new passkey. */
export async function enterConsole({ page }: Device, file: SandboxFile, key: string): Promise<void> {
  const hospital = file.hospitals.find((one) => one.key === key)
  if (!hospital) throw new Error(`No hospital is called ${key}`)
  const { signing } = await loadKeyring(join(dirname(hospital.log), 'keys.json'))
  const ask = createOperatorClient({
    ...{ here: hospital.broker, audience: `${hospital.broker}/auth/token`, signing },
  })
  const person = { name: 'Officer Seven', role: 'compliance' }
  const { code } = await ask<{ code: string }>('POST', '/operator/console/people', person)
  await page.goto(hospital.console)
  await page.getByRole('button', { name: 'I have an invitation' }).click()
  await page.getByLabel('Invitation code').fill(code)
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await page.getByRole('heading', { name: 'What happened, and what needs a look' }).waitFor()
}

/** The code that the sandbox's phone shows for somebody, from a hospital: read where a person would read it. */
export async function codeFor(
  { context }: Device,
  portal: string,
  contact: string,
  hospital: string,
): Promise<string> {
  const phone = await context.newPage()
  await phone.goto(`${portal}/sandbox/phone`)
  const messages = phone.getByRole('listitem').filter({ hasText: contact })
  const message = messages.filter({ hasText: hospital }).first()
  await message.waitFor()
  const code = /\b\d{8}\b/.exec((await message.textContent()) ?? '')?.[0]
  await phone.close()
  if (!code) throw new Error('The phone shows no code')
  return code
}

/** Goes to a page the way a person does: what is in memory stays. On a small screen the list of pages is shown first. */
export async function goTo(page: Page, name: string): Promise<void> {
  const menu = page.getByRole('navigation').getByRole('button', { name: /^Pages/ })
  if (await menu.isVisible()) await menu.click()
  await page.getByRole('navigation').getByRole('link', { name }).click()
}
