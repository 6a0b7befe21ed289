/** Characters of a stranger's text that are shown at once; more is cut, and said to be. */
const LONGEST = 2_000

/** Control characters, and those that turn the text around them; line ends stay. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A long text of a stranger, made harmless: lines stay, what acts on the reader does not. */
export const harmlessText = (text: string): string => text.replace(/\r\n?/gu, '\n').replace(UNSEEN, ' ')

export function shortened(text: string): string {
  const characters = [...harmlessText(text)]
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : characters.join('')
}
