/** How specific a provision is for a request: recipient first, then purpose, then data (design §4, conflict rule). */
import type { DataLevel } from './data-filter.ts'
import type { ActorLevel } from './recipient.ts'

export type Specificity = {
  readonly recipient: ActorLevel
  /** Steps between the purpose claimed and the one named, the farthest of several; absent where none is named. */
  readonly purpose?: number
  readonly data: DataLevel
}

/** No hierarchy of purposes is this deep. */
const DEPTHS = 1000

/** One number to compare: the greater, the more specific. */
export function rankOf({ recipient, purpose, data }: Specificity): number {
  const nearness = purpose === undefined ? 0 : DEPTHS - Math.min(purpose, DEPTHS - 1)
  return (recipient * (DEPTHS + 1) + nearness) * 4 + data
}

const RECIPIENTS = ['anybody', 'role or group', 'named party'] as const
const DATA = ['all data', 'class, code, label or period', 'related or author', 'instance'] as const

/** For people, in the order in which the parts are compared. */
export function describeSpecificity({ recipient, purpose, data }: Specificity): string[] {
  const named =
    purpose === undefined ? 'any purpose' : purpose === 0 ? 'exact purpose' : `purpose ${purpose} above`
  return [RECIPIENTS[recipient], named, DATA[data]]
}
