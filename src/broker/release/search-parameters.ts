import { wayleaveError } from '../../domain/errors.ts'

/** Controls of a search that change whom or how much an answer is about, or how it is told. */
const NOT_TAKEN =
  /^(?:_include|_revinclude|_has|_summary|_elements|_total|_contained|_containedType|_format|_pretty|_filter|_query|_list|_type|_cursor|_offset|_getpages.*|patient|subject|patient:.*|subject:.*)(?::.*)?$/

/**
 * What of a search goes to the FHIR server, and how many resources a page has at most.
 * @throws WayleaveError `unsupported-parameter`; `request-invalid` for a count that is none
 */
export function readSearchParameters(
  given: readonly (readonly [string, string])[],
  most: number,
): { parameters: [string, string][]; size: number } {
  let size = most
  const parameters: [string, string][] = []
  for (const [name, value] of given) {
    // A chain asks about what is not this patient's record, or not of this type.
    if (NOT_TAKEN.test(name) || name.includes('.') || !/^[A-Za-z_][A-Za-z0-9_:-]{0,63}$/.test(name))
      throw wayleaveError('unsupported-parameter', 'a control that is not taken')
    if (name !== '_count') {
      parameters.push([name, value])
      continue
    }
    if (!/^[1-9]\d{0,3}$/.test(value)) throw wayleaveError('request-invalid', '_count')
    size = Math.min(most, Number(value))
  }
  return { parameters: [...parameters, ['_count', String(most)]], size }
}
