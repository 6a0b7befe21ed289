import { afterAll, beforeAll, describe } from 'vitest'
import { type FhirClient, fhirClient } from './client.ts'
import { historyRules } from './history.ts'
import { hookRules } from './hooks.ts'
import { modelRules } from './model.ts'
import { resourceRules } from './resources.ts'
import { searchRules } from './search.ts'
import { type FhirTraits, R4_TRAITS, type RunningServer } from './traits.ts'
import { transactionRules } from './transactions.ts'

/** What the rules are given: functions, since the server starts after they are declared. */
export type UnderTest = { client: () => FhirClient; server: () => RunningServer; traits: FhirTraits }

/** The rules that a hospital's FHIR server must keep for Wayleave to rest on it, whichever server it is. */
export function describeFhirServer(
  name: string,
  start: () => Promise<RunningServer>,
  traits: Partial<FhirTraits> = {},
): void {
  const without = Object.entries(traits).filter(([, holds]) => holds === false)
  if (without.length > 0)
    console.info(`${name} is not held to: ${without.map(([trait]) => trait).join(', ')}`)
  describe(`${name}`, () => {
    let server: RunningServer
    beforeAll(async () => {
      server = await start()
    }, 120_000)
    afterAll(() => server?.stop())
    const tested: UnderTest = {
      client: () => fhirClient(server.base),
      server: () => server,
      traits: { ...R4_TRAITS, ...traits },
    }
    describe('resources', () => {
      resourceRules(tested)
    })
    describe('search', () => {
      searchRules(tested)
    })
    describe('history', () => {
      historyRules(tested)
    })
    describe('transactions', () => {
      transactionRules(tested)
    })
    describe('REST-hooks', () => {
      hookRules(tested)
    })
    describe('under random use', () => {
      modelRules(tested)
    })
  })
}
