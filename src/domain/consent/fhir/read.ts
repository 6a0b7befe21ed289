/** Reading JSON of unknown shape without ever throwing. */

export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A string that says something; undefined for anything else. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** The same, for comparing: what is no string is like nothing that is looked for. Never throws, as `String` may. */
export const wordOf = (value: unknown): string => textOf(value) ?? ''

/** What a repeating element holds; nothing where it is absent or no array. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The resources in one resource, an array or a Bundle, Bundles in Bundles included, in their order. */
export function flattenResources(input: unknown): JsonObject[] {
  const found: JsonObject[] = []
  const open: unknown[] = [input]
  while (open.length > 0) {
    const next = open.pop()
    if (Array.isArray(next)) {
      for (let i = next.length - 1; i >= 0; i--) open.push(next[i])
    } else if (isObject(next) && next.resourceType === 'Bundle') {
      const entries = listOf(next.entry)
      for (let i = entries.length - 1; i >= 0; i--) {
        const entry = entries[i]
        if (isObject(entry)) open.push(entry.resource)
      }
    } else if (isObject(next) && textOf(next.resourceType)) found.push(next)
  }
  return found
}
