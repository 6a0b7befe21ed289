import { expect, test } from 'vitest'
import { type BrokerConfig, type BrokerDeps, createBroker } from '../../src/broker/index.ts'

test('a broker whose labelling rules cannot be read does not start, and says which file and field', async () => {
  const started = (...labelRules: string[]) =>
    // It gets no further than this, so it needs nothing else.
    createBroker({ config: { labelRules } as BrokerConfig } as BrokerDeps)
  await expect(
    started('fhir/examples/labels/label-rules.json', 'fhir/examples/none.json'),
  ).rejects.toMatchObject({
    code: 'request-invalid',
    detail: expect.stringContaining('fhir/examples/none.json cannot be read'),
  })
  await expect(started('fhir/examples/labels/valueset-hiv.json')).rejects.toMatchObject({
    detail: expect.stringMatching(/labelling rules .*valueset-hiv\.json \//),
  })
})
