import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'
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
