/** Sealed words, as the file that a person keeps: a JWE, which says nothing of whose it is. */
const SEALED_FILE = 'wayleave-words.jwe'

/** Hands it to the browser to save. */
export function saveSealedFile(jwe: string): void {
  const url = URL.createObjectURL(new Blob([`${jwe}\n`], { type: 'application/jose' }))
  const link = document.createElement('a')
  link.href = url
  link.download = SEALED_FILE
  link.click()
  // The browser takes it up before the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
