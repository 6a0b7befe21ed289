/** Hands a file that was made on this device to whoever uses it. Nothing of it is sent anywhere. */
export function saveFile(name: string, type: string, parts: readonly BlobPart[]): void {
  const url = URL.createObjectURL(new Blob([...parts], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Some browsers read it only after the click is over.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** `NAME-2026-11-29.EXTENSION` */
export const fileName = (name: string, extension: string, now: Date): string =>
  `${name}-${now.toISOString().slice(0, 10)}.${extension}`
