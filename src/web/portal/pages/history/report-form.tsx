import type { Occasion } from '../../../../domain/own-history/occasions.ts'

export function ReportForm(_: { occasion: Occasion; onEnd: () => void }) {
  return null
}
