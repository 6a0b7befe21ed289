/**
 * Names come from other organisations and from their staff. What in them would act on whoever reads, and is not read itself, is
 * made visible: control characters, which move a terminal's cursor, and those that turn the direction of writing or have no
 * width, which make one name look like another (Unicode TR 36 §2.10, CVE-2021-42574).
 */
const ACTING =
  // Joiners between letters of scripts that are written with them belong to the name.
  /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?<![\u0600-\u0fff])[\u200c\u200d]/gu

const named = (found: string) => (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')

/** A text in which nothing acts: `U+202E` in brackets stands for what was there. */
export const harmless = (text: string): string => text.replace(ACTING, (found) => `[U+${named(found)}]`)

/** JSON that says the same, and acts on no terminal that shows it: such characters are written as escapes. */
export const harmlessJson = (json: string): string =>
  json.replace(ACTING, (found) =>
    // JSON's own layout stays; within texts its line ends are escaped already.
    found === '\n'
      ? found
      : [...Array(found.length).keys()]
          .map((i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`)
          .join(''),
  )
