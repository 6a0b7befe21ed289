import { describe, expect, test } from 'vitest'
import { countSolidity, countVitest, filesNotBegun } from '../../scripts/test-counts.ts'

const ran = (ok: boolean, output = '') => ({ ok, output })
const file = (status: string, ...tests: string[]) => ({
  name: `${status}-${tests.length}.test.ts`,
  status,
  assertionResults: tests.map((result) => ({ status: result })),
})

describe('the count of Solidity tests', () => {
  test('is what Hardhat says', () => {
    expect(countSolidity(ran(true, '  ✔ test_a()\n\n  103 passing\n'))).toEqual({ passed: 103, failed: 0 })
    expect(countSolidity(ran(false, '\n  40 passing\n  2 failing\n'))).toEqual({ passed: 40, failed: 2 })
  })

  test('has a failure when only a gas snapshot differs, or nothing ran', () => {
    expect(countSolidity(ran(false, '  103 passing\n\nSnapshot check failed\n'))).toEqual({
      passed: 103,
      failed: 1,
    })
    expect(countSolidity(ran(false, 'Error HHE27'))).toEqual({ passed: 0, failed: 1 })
  })
})

describe('the count of TypeScript tests', () => {
  test('is what the report says, and one for each file that failed without a failing test', () => {
    const testResults = [
      file('passed', 'passed', 'passed'),
      file('failed', 'passed', 'failed'),
      file('failed'),
    ]
    const report = { numPassedTests: 3, numFailedTests: 1, testResults }
    expect(countVitest(ran(false), () => report)).toEqual({ passed: 3, failed: 2 })
  })

  test('tells a file whose set-up failed, which may be begun again, from one in which a test did, which may not', () => {
    const testResults = [
      file('passed', 'passed'),
      file('failed', 'failed'),
      file('failed', 'skipped', 'skipped'),
    ]
    const report = { numPassedTests: 1, numFailedTests: 1, testResults }
    expect(filesNotBegun(report)).toEqual(['failed-2.test.ts'])
  })

  test('has a failure when vitest fails outside the tests, or leaves no report', () => {
    const report = { numPassedTests: 2, numFailedTests: 0, testResults: [file('passed', 'passed', 'passed')] }
    expect(countVitest(ran(false), () => report)).toEqual({ passed: 2, failed: 1 })
    const none = () => {
      throw new Error('ENOENT')
    }
    expect(countVitest(ran(false), none)).toEqual({ passed: 0, failed: 1 })
  })
})
