/** How many tests, or checks, held and did not. */
export type Count = { passed: number; failed: number }

/** How a program ended: `ok` on exit code 0; its output, stdout and stderr as they came, without colours. */
export type Ended = { ok: boolean; output: string; signal?: NodeJS.Signals }

/**
 * What fails outside any test (a file that does not load, a snapshot that differs, a crash) counts as one failure,
 * so that a failed run never reads `0 failed`.
 */
const atLeastOneFailed = ({ ok }: Ended, { passed, failed }: Count): Count => ({
  passed,
  failed: ok ? failed : Math.max(failed, 1),
})

/** Counts from Hardhat's summary, `N passing` and `N failing`. */
export function countSolidity(ended: Ended): Count {
  const number = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}`, 'm').exec(ended.output)?.[1] ?? 0)
  return atLeastOneFailed(ended, { passed: number('passing'), failed: number('failing') })
}

export type VitestReport = {
  numPassedTests: number
  numFailedTests: number
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[]
}

/** Files that failed though none of their tests did: their set-up did not get ready, or they did not load. */
export const filesNotBegun = ({ testResults }: VitestReport): string[] =>
  testResults.filter(isNotBegun).map(({ name }) => name)

const isNotBegun = ({ status, assertionResults }: VitestReport['testResults'][number]): boolean =>
  status === 'failed' && !assertionResults.some((result) => result.status === 'failed')

/** Counts from vitest's JSON report; a file that fails without a failing test counts as one failure. */
export function countVitest(ended: Ended, readReport: () => VitestReport): Count {
  let report: VitestReport
  try {
    report = readReport()
  } catch {
    return atLeastOneFailed(ended, { passed: 0, failed: 0 })
  }
  return atLeastOneFailed(ended, {
    passed: report.numPassedTests,
    failed: report.numFailedTests + filesNotBegun(report).length,
  })
}
