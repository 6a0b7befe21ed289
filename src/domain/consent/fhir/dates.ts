/**
 * FHIR dates (http://hl7.org/fhir/R4/datatypes.html#dateTime) as spans of time. A date without a time is the whole day,
 * month or year in UTC. Instants are taken to the millisecond, what is finer being cut off.
 */
import type { Period } from 'fhir/r4.js'
import { isObject } from './read.ts'

/** Milliseconds since 1970, both ends included; infinite where a period is open. */
export type Span = { readonly from: number; readonly until: number }

const DATE_TIME =
  /^(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])(?:T([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00))?)?)?$/

/** What a FHIR date, dateTime or instant covers; undefined where it is none, such as 30 February or a time without zone. */
export function readDateTime(value: unknown): Span | undefined {
  if (typeof value !== 'string') return undefined
  const parts = DATE_TIME.exec(value)
  if (!parts) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone] = parts
  const years = Number(year)
  if (years === 0) return undefined
  if (!month) return { from: utc(years, 0, 1), until: utc(years + 1, 0, 1) - 1 }
  const months = Number(month) - 1
  if (!day) return { from: utc(years, months, 1), until: utc(years, months + 1, 1) - 1 }
  const start = utc(years, months, Number(day))
  if (new Date(start).getUTCMonth() !== months) return undefined
  if (!hour || !zone) return { from: start, until: utc(years, months, Number(day) + 1) - 1 }
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  const time = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + milliseconds
  const instant = start + time - offsetOf(zone)
  return { from: instant, until: instant }
}

/** A FHIR instant: date, time and zone; undefined for anything less. */
export function readInstant(value: unknown): number | undefined {
  return typeof value === 'string' && value.includes('T') ? readDateTime(value)?.from : undefined
}

/**
 * A FHIR Period. Undefined where it is malformed: a bound that is no dateTime, an end before the start (invariant
 * per-1), no bound at all (ele-1), or a bound that is there as an extension only.
 */
export function readPeriod(value: unknown): (Span & { readonly period: Period }) | undefined {
  if (!isObject(value)) return undefined
  const { start, end } = value
  if (start === undefined && end === undefined) return undefined
  if ((start === undefined && '_start' in value) || (end === undefined && '_end' in value)) return undefined
  const from = start === undefined ? { from: -Infinity } : readDateTime(start)
  const until = end === undefined ? { until: Infinity } : readDateTime(end)
  if (!from || !until || from.from > until.until) return undefined
  const period = {
    ...(typeof start === 'string' ? { start } : {}),
    ...(typeof end === 'string' ? { end } : {}),
  }
  return { from: from.from, until: until.until, period }
}

export const contains = (span: Span, at: number): boolean => span.from <= at && at <= span.until

export const within = (span: Span, outer: Span): boolean =>
  outer.from <= span.from && span.until <= outer.until

export const overlaps = (a: Span, b: Span): boolean => a.from <= b.until && b.from <= a.until

function utc(year: number, month: number, day: number): number {
  // Date.UTC takes the years 0 to 99 for those of the last century.
  return new Date(0).setUTCFullYear(year, month, day)
}

function offsetOf(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
