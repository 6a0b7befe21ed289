import type { Hex } from '../../../domain/hex.ts'
import type { HashedForm } from '../../../patient/sign.ts'
import type { KeptFacts } from './kept-facts.ts'

/** An act that was signed and may not have arrived: sealed to its custodian, so that what lies here says nothing to anybody. */
export type Unsent = { id: string; member: Hex; form: HashedForm }

const FACT = 'unsent'

/** One tab at a time changes what is kept. */
const alone = <T>(work: () => Promise<T>): Promise<T> => navigator.locks.request('wayleave.unsent', work)

export const listUnsent = async (kept: KeptFacts): Promise<Unsent[]> =>
  (await kept.fact<Unsent[]>(FACT)) ?? []

export const keepUnsent = (kept: KeptFacts, unsent: Unsent): Promise<void> =>
  alone(async () => kept.setFact(FACT, [...(await listUnsent(kept)), unsent]))

export const dropUnsent = (kept: KeptFacts, id: string): Promise<void> =>
  alone(async () => {
    const all = await listUnsent(kept)
    if (all.some((one) => one.id === id))
      await kept.setFact(
        FACT,
        all.filter((one) => one.id !== id),
      )
  })

/** Those that somebody is sending right now: nobody else does meanwhile. */
export const beingSent = new Set<string>()
