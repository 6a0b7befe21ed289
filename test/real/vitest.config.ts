import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// What `npm test` shows on embedded servers, on the real ones: HAPI FHIR and PostgreSQL. One file at a time, since each
// HAPI takes a processor and a gigabyte.
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: [
      'test/real/**/*.test.ts',
      // Over whichever database DATABASE_URL names.
      'test/store/**/*.test.ts',
      'test/indexer/**/*.test.ts',
      'test/chain/sender.test.ts',
      'test/sandbox/fhir-server/embedded.test.ts',
    ],
    globalSetup: ['test/real/servers.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 300_000,
    allowOnly: false,
  },
})
