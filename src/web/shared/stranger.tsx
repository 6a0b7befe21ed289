import { Text } from '@mantine/core'

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

/** A name, or other words, that somebody else chose: isolated from the sentence around them. */
export function Stranger({
  children,
  bold,
  longest,
}: {
  children: string
  bold?: boolean
  /** Characters that are shown at most; as many as a name has, unless given. */
  longest?: number
}) {
  const shown = harmless(children, longest)
  return bold ? (
    <Text component="bdi" fw={650} inherit>
      {shown}
    </Text>
  ) : (
    <bdi>{shown}</bdi>
  )
}
