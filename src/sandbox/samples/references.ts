import type { Reference } from 'fhir/r4.js'

/** Says what a reference of Synthea's becomes at the hospital. */
export type RewriteReference = (reference: Reference & { reference: string }) => Reference

const isReference = (value: object): value is Reference & { reference: string } =>
  'reference' in value && typeof value.reference === 'string'

/** A copy of a resource, or a part of one, in which every reference is rewritten. */
export function rewriteReferences<T>(value: T, rewrite: RewriteReference): T {
  if (Array.isArray(value)) return value.map((item) => rewriteReferences(item, rewrite)) as T
  if (value === null || typeof value !== 'object') return value
  if (isReference(value)) return rewrite(value) as T
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, rewriteReferences(item, rewrite)]),
  ) as T
}
