import { list, object, text } from '../loose.ts'

/** What a CodeableConcept, a Coding, a Reference or a plain text says to people; nothing where it says nothing. */
export function wordsOf(value: unknown): string | undefined {
  const bare = text(value)
  if (bare !== undefined) return withoutTag(bare)
  const { text: written, display, coding } = object(value)
  const shown = text(written) ?? text(display) ?? firstText(list(coding).map((one) => object(one).display))
  return shown === undefined ? undefined : withoutTag(shown)
}

/** The words of all of them that have any. */
export const allWordsOf = (value: unknown): string[] => list(value).flatMap((one) => wordsOf(one) ?? [])

/** Codes of a code element or of a CodeableConcept, and of lists of them. */
export const codesOf = (value: unknown): string[] =>
  list(value).flatMap((one) => {
    const bare = text(one)
    if (bare !== undefined) return [bare]
    const { coding, code } = object(one)
    const own = text(code)
    if (own !== undefined) return [own]
    return list(coding).flatMap((each) => text(object(each).code) ?? [])
  })

const firstText = (values: unknown[]): string | undefined => values.map(text).find((one) => one !== undefined)

/** SNOMED CT ends its full names with what kind of thing it is, which nobody needs to read: `Asthma (disorder)`. */
const TAG =
  / \((?:disorder|finding|procedure|situation|regime\/therapy|physical object|event|substance|qualifier value|observable entity|morphologic abnormality|medicinal product|organism|environment|occupation|record artifact|assessment scale|person)\)$/u

function withoutTag(words: string): string {
  return words.replace(TAG, '')
}
