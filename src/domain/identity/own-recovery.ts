/**
 * Where the replacement of a patient's key stands, as `GET /patient/recovery` tells both keys, and the desk.
 *
 * `none`: nothing is under way. `pending`: it can be completed from `readyAt` on; the old key may veto until then.
 * `vetoed`: the old key has stopped it, and it goes on only if two registrars override that. `overriding`: a veto was overridden,
 * and it can be completed from `readyAt` on. `elsewhere`: a registry before this one leads it.
 */
export type RecoveryState = 'none' | 'pending' | 'vetoed' | 'overriding' | 'elsewhere'

/** By the number in the handle's word. */
export const RECOVERY_STATES: readonly RecoveryState[] = [
  'none',
  'pending',
  'vetoed',
  'overriding',
  'elsewhere',
]

export type OwnRecovery = {
  state: RecoveryState
  /** What the key that asks is: `owner` (a guardian's, too), or `candidate`, the key that would take over. */
  as: 'owner' | 'candidate'
  /** Counts the starts; 0 where there was none. A veto names it. */
  attempt: number
  /** When it was started, and from when on it can be completed. ISO 8601, by the chain's clock; while one is under way. */
  startedAt?: string
  readyAt?: string
  /** The last day, YYYY-MM-DD, where a guardian takes over. */
  guardianUntil?: string
  /** Whether the key that asks may stop it now. */
  mayVeto: boolean
  /** When the last one was completed, ISO 8601. */
  completedAt?: string
}
