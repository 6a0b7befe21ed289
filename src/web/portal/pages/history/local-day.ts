/** The day of an instant where the reader is. */
export function localDay(recorded: string): string {
  const date = new Date(recorded)
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].join('-')
}
