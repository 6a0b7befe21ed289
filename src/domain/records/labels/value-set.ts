import { isObject, listOf, textOf } from '../../consent/fhir/read.ts'
import { wayleaveError } from '../../errors.ts'

type Codes = Record<string, string[]>

/**
 * The codes of an R4 ValueSet (http://hl7.org/fhir/R4/valueset.html) by their system: those of its expansion where it has
 * one, else those that `compose.include` lists. What takes a terminology service to tell is refused: a filter such as
 * is-a, a whole code system, other value sets, exclusions. Have the service expand such a value set first.
 *
 * @param name for messages
 * @throws WayleaveError `request-invalid`, naming what cannot be told
 */
export function codesOfValueSet(value: unknown, name: string): Codes {
  const wrong = (path: string, why: string) => wayleaveError('request-invalid', `${name} ${path}: ${why}`)
  if (!isObject(value) || value.resourceType !== 'ValueSet') throw wrong('/resourceType', 'no ValueSet')
  const codes: Codes = {}
  const add = (system: unknown, code: unknown, path: string) => {
    if (textOf(system) === undefined) throw wrong(`${path}/system`, 'no code system')
    if (textOf(code) === undefined) throw wrong(`${path}/code`, 'no code')
    const key = String(system)
    codes[key] = [...(Object.hasOwn(codes, key) ? (codes[key] ?? []) : []), String(code)]
  }
  if (isObject(value.expansion)) {
    const count = addExpansion(value.expansion.contains, '/expansion/contains', add)
    const { total } = value.expansion
    if (typeof total === 'number' && total > count)
      throw wrong('/expansion/total', `${total} codes, of which only ${count} are there`)
  } else {
    const compose = isObject(value.compose) ? value.compose : {}
    if (compose.exclude !== undefined)
      throw wrong('/compose/exclude', 'exclusions are not supported; expand the value set')
    listOf(compose.include).forEach((include, i) => {
      const path = `/compose/include/${i}`
      if (!isObject(include)) throw wrong(path, 'no object')
      if (include.filter !== undefined)
        throw wrong(`${path}/filter`, `${filterIn(include.filter)} is not supported; expand the value set`)
      if (include.valueSet !== undefined)
        throw wrong(`${path}/valueSet`, 'other value sets are not supported; expand the value set')
      const concepts = listOf(include.concept)
      if (concepts.length === 0)
        throw wrong(`${path}/concept`, 'a whole code system is not supported; expand the value set')
      concepts.forEach((concept, j) => {
        add(include.system, isObject(concept) ? concept.code : undefined, `${path}/concept/${j}`)
      })
    })
  }
  if (Object.keys(codes).length === 0) throw wrong('', 'no codes in it')
  return codes
}

/** Codes may nest; an abstract one only groups others. */
function addExpansion(
  contains: unknown,
  path: string,
  add: (system: unknown, code: unknown, path: string) => void,
): number {
  let count = 0
  listOf(contains).forEach((one, i) => {
    const at = `${path}/${i}`
    const entry = isObject(one) ? one : {}
    if (entry.abstract !== true) {
      add(entry.system, entry.code, at)
      count++
    }
    count += addExpansion(entry.contains, `${at}/contains`, add)
  })
  return count
}

function filterIn(value: unknown): string {
  const [first] = listOf(value)
  const { property, op, value: of } = isObject(first) ? first : {}
  return `a filter (${[property, op, of].filter((part) => typeof part === 'string').join(' ')})`
}
