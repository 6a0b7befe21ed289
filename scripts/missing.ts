import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

/** Which of these packages, and of what is compiled, are not there: looked up when tests run, they would show late. */
export function missing(packages: readonly string[]): string[] {
  const absent = packages.filter((name) => {
    try {
      require.resolve(`${name}/package.json`)
      return false
    } catch {
      return true
    }
  })
  const compiled = existsSync(join(import.meta.dirname, '..', 'types'))
  return compiled ? absent : [...absent, 'the compiled contracts (npm run build)']
}
