const KEY = 'wayleave.keys'

type Kept = Record<string, unknown>

const kept = (): Kept => JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Kept

/**
 * A random name for something, to stand in an address in its place: the same for the same thing, in this tab only. What it stands
 * for lies in the tab's own storage and goes with the tab.
 */
export function localKey(value: unknown): string {
  const all = kept()
  const text = JSON.stringify(value)
  const known = Object.keys(all).find((key) => JSON.stringify(all[key]) === text)
  if (known) return known
  const key = crypto.randomUUID().slice(0, 8)
  sessionStorage.setItem(KEY, JSON.stringify({ ...all, [key]: value }))
  return key
}

/** What a name stands for; undefined in another tab. */
export const behindKey = <T>(key: string): T | undefined => kept()[key] as T | undefined
