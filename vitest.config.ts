import { defineConfig } from 'vitest/config'

// Tests start real processes (anvil, brokers, databases) and the machine may have two cores only:
// two files at a time, and time-outs that a busy machine can keep.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    allowOnly: false,
  },
})
