import type { Report } from '../../src/broker/index.ts'
import { reconcileCommand } from '../../src/cli/reconcile.ts'

/** What `wayleave reconcile` says of a broker that runs, and its exit code. */
export async function reconcile(configFile: string, ...options: string[]) {
  const said = { out: '', err: '' }
  const command = reconcileCommand({
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  })
  await command.parseAsync(['node', 'reconcile', '--config', configFile, ...options])
  const code = process.exitCode
  process.exitCode = undefined
  return { ...said, code }
}

/** Its report, where they could be compared. */
export async function reconciled(configFile: string, ...options: string[]) {
  const { out, err, code } = await reconcile(configFile, '--json', ...options)
  if (code === 2) throw new Error(err)
  const report = JSON.parse(out) as Report
  const found = Object.entries(report.differences).filter(([, { found }]) => found > 0)
  return {
    code,
    report,
    found: Object.fromEntries(found.map(([kind, { found, mended }]) => [kind, [found, mended]])),
  }
}
