import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** They take minutes each: begun last, they would be waited for alone. */
const LONGEST = ['test/sandbox/sandbox.test.ts', 'test/chain/model/differential.test.ts']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((path) => moduleId.endsWith(path))
      return found < 0 ? LONGEST.length : found
    }
    return (await super.sort(files)).sort((x, y) => place(x) - place(y))
  }
}

// Tests start real processes (anvil, brokers, databases) and the machine may have two cores only: three files at a time, since each
// waits a third of its time for blocks, deadlines and other processes, and time-outs that a busy machine can keep.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need Java: `npm run test:real`.
    exclude: [...configDefaults.exclude, 'test/real/**'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 3,
    // Files share a process, one after another: to load and compile the same modules and PGlite's WebAssembly for each would
    // take a third of all the time. So whatever a file changes in its process, a variable or a folder, it puts back.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 90_000,
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
  },
})
