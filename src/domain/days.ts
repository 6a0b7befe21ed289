/** Days since 1970-01-01 (UTC) of an instant in milliseconds. */
export function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000)
}

/** The calendar date, YYYY-MM-DD, of a day number. */
export function dateOfDay(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10)
}

/** Days are uint16 on the chain: up to June 2149. */
export const LAST_DAY = 2 ** 16 - 1

/** The day number of a calendar date; undefined for anything but a real date, YYYY-MM-DD, that the chain can hold. */
export function dayOfDate(date: string): number | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  if (!Number.isFinite(ms) || dateOfDay(dayOf(ms)) !== date) return undefined
  const day = dayOf(ms)
  return day >= 0 && day <= LAST_DAY ? day : undefined
}
