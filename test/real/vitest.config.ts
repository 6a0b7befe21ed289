import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// What `npm test` shows on embedded servers, on the real ones: HAPI FHIR and PostgreSQL.
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: [
      'test/real/**/*.test.ts',
      // On PostgreSQL, since DATABASE_URL names one: all that keeps rows, brokers among it.
      ...['store', 'indexer', 'exchange', 'broker'].map((folder) => `test/${folder}/**/*.test.ts`),
      'test/chain/sender.test.ts',
      'test/sandbox/fhir-server/embedded.test.ts',
    ],
    globalSetup: ['test/real/servers.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 300_000,
    allowOnly: false,
  },
})
