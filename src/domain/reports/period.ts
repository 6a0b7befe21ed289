/** From when to when a report reaches. Days are days in a time zone, summer time included. */
import { Temporal } from 'temporal-polyfill'
import { wayleaveError } from '../errors.ts'

export type Period = {
  /** First instant, in UTC; absent: from the beginning. */
  readonly from?: string
  /** The instant before which it ends, in UTC. */
  readonly to: string
  /** IANA time zone, in which days were meant and instants are written. */
  readonly zone: string
}

const DAY = /^\d{4}-\d\d-\d\d$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/
const ZONE = /^[A-Za-z][\w+/-]{0,63}$/

/**
 * A period as somebody asks for it: `from` and `to` are days (2026-03-29, both included) or instants with their offset (`to`
 * excluded), `zone` an IANA name.
 * @param lookBack how many years it reaches back where no `from` is given; from the beginning unless given
 * @throws WayleaveError `request-invalid` that names the parameter
 */
export function readPeriod(
  asked: { from?: string; to?: string; zone?: string },
  now: number,
  lookBack?: number,
): Period {
  const zone = readZone(asked.zone ?? 'UTC')
  const to = asked.to === undefined ? now : instantIn('to', asked.to, zone, 1)
  const from =
    asked.from !== undefined
      ? instantIn('from', asked.from, zone, 0)
      : lookBack === undefined
        ? undefined
        : Temporal.Instant.fromEpochMilliseconds(to)
            .toZonedDateTimeISO(zone)
            .subtract({ years: lookBack })
            .startOfDay().epochMilliseconds
  if (from !== undefined && from >= to) throw wayleaveError('request-invalid', 'to')
  return { ...(from === undefined ? {} : { from: utc(from) }), to: utc(to), zone }
}

function readZone(zone: string): string {
  try {
    if (ZONE.test(zone)) return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId
  } catch (cause) {
    throw wayleaveError('request-invalid', 'zone', cause)
  }
  throw wayleaveError('request-invalid', 'zone')
}

/** @param further days to go on from a day: its end is the next one's beginning, however long it is */
function instantIn(name: string, text: string, zone: string, further: number): number {
  try {
    if (DAY.test(text))
      return Temporal.PlainDate.from(text).add({ days: further }).toZonedDateTime(zone).epochMilliseconds
    if (INSTANT.test(text)) return Temporal.Instant.from(text).epochMilliseconds
  } catch (cause) {
    throw wayleaveError('request-invalid', name, cause)
  }
  throw wayleaveError('request-invalid', name)
}

const utc = (ms: number) => new Date(ms).toISOString()

/** An instant as somebody in the zone writes it, with its offset: 2026-03-29T03:00:00.000+02:00. */
export const inZone = (instant: string, zone: string): string =>
  Temporal.Instant.from(instant)
    .toZonedDateTimeISO(zone)
    .toString({ timeZoneName: 'never', fractionalSecondDigits: 3 })
