/** What is shown of a name at most; the rest is left out, and said to be. */
const LONGEST = 120

/**
 * Characters that turn the text around them (Unicode bidirectional controls), that break lines, or that are not seen. Markup needs
 * no care: React writes text as text.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text from outside, made harmless and short enough to be shown in a line. */
export function harmless(text: string, longest = LONGEST): string {
  const seen = text.replace(UNSEEN, ' ').replace(/\s+/gu, ' ').trim()
  const characters = [...seen]
  return characters.length > longest ? `${characters.slice(0, longest).join('')}…` : seen
}
