import { isDataClass } from '../../../../domain/consent/data-classes.ts'
import type { RecordFilter } from '../../../../domain/own-record/unify.ts'

/**
 * What of the records is shown, as it stands in the address: a hospital by its place in the list. The words that somebody looks for
 * stand in no address: they may tell of an illness.
 */
export type RecordsSearch = { kind?: string; at?: number; year?: string }

export function readRecordsSearch({ kind, at, year }: Record<string, unknown>): RecordsSearch {
  return {
    ...(isDataClass(kind) ? { kind } : {}),
    ...(Number.isInteger(at) && Number(at) >= 0 ? { at: Number(at) } : {}),
    ...(/^\d{4}$/.test(String(year)) ? { year: String(year) } : {}),
  }
}

export const filterOf = ({ kind, at, year }: RecordsSearch, words: string): RecordFilter => ({
  ...(isDataClass(kind) ? { dataClass: kind } : {}),
  ...(at === undefined ? {} : { source: at }),
  ...(year === undefined ? {} : { year }),
  ...(words.trim() === '' ? {} : { words }),
})
