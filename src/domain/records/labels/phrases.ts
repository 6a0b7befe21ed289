/**
 * Finds whole words and phrases in text, in one pass over its words whatever the number of phrases. Case, accents
 * and punctuation do not matter: "Post-traumatic", "post traumatic" and "POST–TRAUMATIC" are the same words.
 */
type Phrase<T> = { readonly words: readonly string[]; readonly means: T | undefined }

export type PhraseIndex<T> = {
  /** First word -> phrases that begin with it, those without a meaning (harmless) first. */
  readonly phrases: ReadonlyMap<string, readonly Phrase<T>[]>
  /** First three letters -> beginnings of words. */
  readonly stems: ReadonlyMap<string, readonly (readonly [stem: string, means: T])[]>
}

const STEM_KEY = 3

const ASCII = /^[ -~\t\n\r]*$/
const ASCII_WORD = /[a-z0-9]+/g

function wordsOf(text: string): readonly string[] {
  // Most text is; it has nothing that would have to be taken apart first.
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORD) ?? []
  return (
    text
      .normalize('NFKD')
      // accents, and what is invisible inside a word: soft hyphens, zero-width characters
      .replace(/[\p{M}\p{Cf}]+/gu, '')
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word !== '')
  )
}

/** @param harmless phrases that are skipped as a whole before anything is looked for inside them */
export function indexPhrases<T>(
  phrases: readonly (readonly [text: string, means: T])[],
  harmless: readonly string[],
): PhraseIndex<T> {
  const byFirst = new Map<string, Phrase<T>[]>()
  const stems = new Map<string, [string, T][]>()
  const add = (text: string, means: T | undefined) => {
    const words = wordsOf(text)
    const [first] = words
    if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), { words, means }])
  }
  for (const text of harmless) add(text, undefined)
  for (const [text, means] of phrases) {
    if (!text.endsWith('*')) {
      add(text, means)
      continue
    }
    const [stem = ''] = wordsOf(text)
    if (stem.length < STEM_KEY) throw new RangeError(`the stem ${text} is shorter than ${STEM_KEY} letters`)
    const key = stem.slice(0, STEM_KEY)
    stems.set(key, [...(stems.get(key) ?? []), [stem, means]])
  }
  return { phrases: byFirst, stems }
}

/** Adds to `found` what the phrases in the text mean. */
export function findPhrases<T>(index: PhraseIndex<T>, text: string, found: Set<T>): void {
  const words = wordsOf(text)
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    let skipped = 0
    for (const phrase of index.phrases.get(word) ?? NONE) {
      if (!beginsAt(words, at, phrase.words)) continue
      if (phrase.means === undefined) {
        skipped = phrase.words.length
        break
      }
      found.add(phrase.means)
    }
    if (skipped > 0) {
      at += skipped - 1
      continue
    }
    for (const [stem, means] of index.stems.get(word.slice(0, STEM_KEY)) ?? NONE) {
      if (word.startsWith(stem)) found.add(means)
    }
  }
}

const NONE: readonly never[] = []

const beginsAt = (words: readonly string[], at: number, phrase: readonly string[]): boolean =>
  phrase.every((word, i) => words[at + i] === word)
