/** Reading JSON whose shape nobody has checked: whatever is not there, or is something else, is nothing. */

export type Loose = Readonly<Record<string, unknown>>

/** Whatever is no object has no members. */
export const object = (value: unknown): Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose) : {}

/** A single value is a list of one. */
export const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

/** A text that says something, without the space around it. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined

export const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
