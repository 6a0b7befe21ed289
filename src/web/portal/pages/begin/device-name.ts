/** What people call such a device; each is found in its browser's own description, the more special first. */
const NAMES = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['CrOS', 'Chromebook'],
  ['Windows', 'Windows'],
  ['Macintosh', 'Mac'],
  ['Linux', 'Linux'],
] as const

/** A first name for this device, which its owner may change; undefined where it does not say. */
export function deviceName(userAgent = navigator.userAgent): string | undefined {
  return NAMES.find(([sign]) => userAgent.includes(sign))?.[1]
}
