/**
 * Every custom error and every event that the contracts declare is expected by name in some Solidity test
 * (`ItsError.selector`, `emit IItsContract.ItsEvent(…)`): what no test expects, no test would miss.
 *
 *   node bin/wayleave.mjs run scripts/expected.ts
 *
 * Ends with 1 where one is not, and names it.
 */
import { join } from 'node:path'
import { readContracts } from './solidity.ts'

const files = Object.entries(readContracts(join(import.meta.dirname, '..')))
const isTest = (path: string) => path.endsWith('.t.sol')
const tests = files.filter(([path]) => isTest(path)).map(([, source]) => source)

const missing = files
  .filter(([path]) => !isTest(path))
  .flatMap(([path, source]) =>
    [...source.matchAll(/^ {4}(error|event) (\w+)\(/gm)]
      .map(([, kind = '', name = '']) => ({ path, kind, name }))
      .filter(({ kind, name }) => {
        const expectation = new RegExp(
          kind === 'error' ? `\\b${name}\\.selector\\b` : `\\bemit I\\w+\\.${name}\\(`,
        )
        return !tests.some((test) => expectation.test(test))
      }),
  )
for (const { path, kind, name } of missing) console.log(`${path}: no test expects the ${kind} ${name}`)
process.exitCode = missing.length > 0 ? 1 : 0
