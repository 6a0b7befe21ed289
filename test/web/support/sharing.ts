import { readdirSync, readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import type { OwnConsents } from '../../../src/domain/consent/own-consents.ts'
import { identifierText } from '../../../src/domain/identity/member-id.ts'
import { createPatientClient, type PatientClient } from '../../../src/patient/client.ts'
import { createHisClient, type HisClient } from '../../../src/sandbox/his-client.ts'
import { patiently } from '../../../src/sandbox/patiently.ts'
import type { SandboxFile } from '../../../src/sandbox/sandbox-file.ts'

export type Hospital = SandboxFile['hospitals'][number]
export type Person = SandboxFile['patients'][number]

export function hospitalOf(file: SandboxFile, name: string): Hospital {
  const hospital = file.hospitals.find((one) => one.name.includes(name))
  if (!hospital) throw new Error(`There is no hospital ${name}`)
  return hospital
}

export const organisation = ({ identifier }: Hospital) => ({
  granteeType: 'Organization' as const,
  grantee: identifierText(identifier),
})

/** The patient's own key at a hospital, outside any browser: what the hospital itself says, and what stands before a journey. */
export function keyAt(file: SandboxFile, person: Person, { broker, member }: Hospital): PatientClient {
  const { chainId, contracts } = file.chain
  const { consentRegistry, patientRegistry } = contracts
  const chain = { chainId, consentRegistry, patientRegistry }
  return createPatientClient({ broker, member, words: person.words, chain, retry: true })
}

export function hisOf({ broker, his, identifier }: Hospital): HisClient {
  const user = { id: 'physician-7', name: 'Dr. Seven', role: 'physician' }
  return createHisClient({ broker, client: his, organization: identifier, user })
}

/** The ids of what a HIS is shown of a person. */
export async function listed(his: HisClient, { nationalId }: Person): Promise<string[]> {
  const { status, body, code } = await patiently(async () => {
    const answer = await his.list(nationalId, 'TREAT')
    if (answer.status >= 500) throw new Error(`the list answered ${answer.status}`)
    return answer
  })
  if (status !== 200) throw new Error(`the list answered ${status} ${code ?? ''}`)
  return (body.entry ?? []).flatMap(({ resource }) => (resource?.id ? [resource.id] : []))
}

/** Asks until it is so, for at most half a minute. */
export async function until<T>(ask: () => Promise<T>, is: (answer: T) => boolean): Promise<T> {
  for (let turn = 0; ; turn++) {
    const answer = await ask()
    if (is(answer)) return answer
    if (turn >= 60) throw new Error(`It stayed ${JSON.stringify(answer)?.slice(0, 300)}`)
    await new Promise((done) => setTimeout(done, 500))
  }
}

/** Ends whatever an earlier run has left: every share, every no, and the pause. */
export async function startAnew(clients: readonly PatientClient[]): Promise<void> {
  await Promise.all(
    clients.map(async (client) => {
      const { locked, consents } = await client.consents()
      if (locked) await client.unlock()
      for (const { state, scope } of consents) {
        const wish = {
          to: { granteeType: scope.granteeType, grantee: scope.grantee },
          purpose: scope.purpose,
        }
        if (state === 'permit') await client.revoke(wish)
        if (state === 'objection') await client.withdraw(wish)
      }
      await until(
        () => client.consents(),
        (own: OwnConsents) => !own.locked && own.consents.every(({ state }) => state === 'silent'),
      )
    }),
  )
}

/** The process that runs a hospital's broker now: after a restart another than the file says. */
export function brokerPid({ key }: Hospital, sandboxDir: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (command.includes(`${sandboxDir}/${key}/broker.json`)) return Number(pid)
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`No process serves ${key}`)
}

export const heading = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor()

export const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()

/** The first four steps, and the last up to the signature. */
export async function wishToShare(page: Page, party: string, span = '3 months'): Promise<void> {
  await page.getByRole('link', { name: 'Share with somebody' }).click()
  await heading(page, 'Who may see your records?')
  await page.getByRole('radio', { name: party }).check()
  await press(page, 'Continue')
  await heading(page, 'What may they see?')
  await press(page, 'Continue')
  await heading(page, 'Why?')
  await press(page, 'Continue')
  await heading(page, 'Until when?')
  await page.getByRole('radio', { name: span }).check()
  await press(page, 'Continue')
  await heading(page, 'Check, then sign')
}
