import { defineConfig } from 'vitest/config'

/** The journeys of `npm run test:web`: one sandbox for all of them, a file at a time. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/web/**/*.web.ts'],
    globalSetup: ['test/web/support/one-sandbox.ts'],
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    allowOnly: false,
  },
})
