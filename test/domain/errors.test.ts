import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { REASONS } from '../../src/domain/audit/reasons.ts'
import {
  ERROR_SYSTEM,
  ERRORS,
  errorCodeOf,
  isErrorCode,
  toOperationOutcome,
  wayleaveError,
} from '../../src/domain/errors.ts'

/** Rows of a Markdown table whose first cell is a code in back-ticks, under one heading. */
function rowsUnder(heading: string): string[][] {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

const codes = Object.keys(ERRORS).filter(isErrorCode)

describe('the error table', () => {
  it('is documented code by code, with the same status, issue, retry advice and message', () => {
    const documented = rowsUnder('Errors')
    const table = codes.map((code) => {
      const { status, issue, retryable, public: text } = ERRORS[code]
      return [`\`${code}\``, String(status), issue, retryable ? 'yes' : 'no', text]
    })
    expect(documented).toEqual(table)
  })

  it('is documented with every reason, in the words that patient and custodian read', () => {
    expect(rowsUnder('Reasons')).toEqual(Object.entries(REASONS).map(([code, text]) => [`\`${code}\``, text]))
  })

  it.each(codes)('%s has an HTTP error status, says what to do next and stays on one line', (code) => {
    const { status, public: text } = ERRORS[code]
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(text).toMatch(/^[A-Z][^|\n]*\.$/)
  })

  it('calls exactly the temporary conditions retryable', () => {
    expect(codes.filter((code) => ERRORS[code].retryable)).toMatchInlineSnapshot(`
      [
        "rate-limited",
        "peer-unavailable",
        "source-unavailable",
        "not-ready",
        "head-stale",
        "chain-unavailable",
        "audit-unavailable",
        "anchor-overdue",
      ]
    `)
  })
})

describe('an error', () => {
  it('keeps the internal detail out of its message and out of what the caller gets', () => {
    const error = wayleaveError('token-invalid', 'kid 7 unknown for member 0xabc', new Error('cause'))
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toBe(ERRORS['token-invalid'].public)
    expect(error.detail).toBe('kid 7 unknown for member 0xabc')
    expect(error.retryable).toBe(false)
    expect(error.cause).toBeInstanceOf(Error)
    expect(JSON.stringify(toOperationOutcome(error.code, 'r1'))).not.toContain('0xabc')
  })

  it('counts as internal when it is none of ours', () => {
    expect(errorCodeOf(new TypeError('x'))).toBe('internal')
    expect(errorCodeOf(undefined)).toBe('internal')
    expect(errorCodeOf(wayleaveError('head-stale'))).toBe('head-stale')
  })
})

describe('an OperationOutcome', () => {
  it('carries the stable code, the public sentence and the request id, and nothing else', () => {
    expect(toOperationOutcome('head-stale', 'r-1')).toEqual({
      resourceType: 'OperationOutcome',
      issue: [
        {
          severity: 'error',
          code: 'transient',
          details: {
            coding: [{ system: ERROR_SYSTEM, code: 'head-stale' }],
            text: ERRORS['head-stale'].public,
          },
          diagnostics: 'r-1',
        },
      ],
    })
  })

  it('is the same for every refusal but for the request id (I11)', () => {
    const { diagnostics: first, ...one } = toOperationOutcome('not-available', 'r-1').issue[0] ?? {}
    const { diagnostics: second, ...two } = toOperationOutcome('not-available', 'r-2').issue[0] ?? {}
    expect(one).toEqual(two)
    expect([first, second]).toEqual(['r-1', 'r-2'])
  })
})
