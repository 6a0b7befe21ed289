import type { Hex } from '../../../domain/hex.ts'
import type { Receipt } from '../../../patient/client.ts'
import type { KeptFacts } from './kept-facts.ts'

/** A hospital's receipt for what was signed here, as it came: whoever has it can hold the hospital to it. */
export type KeptReceipt = { member: Hex; slot?: Hex; act: string; receipt: Receipt; jws: string }

const FACT = 'receipts'
/** The oldest go first. */
const MOST = 200

export const listReceipts = async (kept: KeptFacts): Promise<KeptReceipt[]> =>
  (await kept.fact<KeptReceipt[]>(FACT)) ?? []

export const keepReceipt = (facts: KeptFacts, kept: KeptReceipt): Promise<void> =>
  navigator.locks.request('wayleave.receipts', async () =>
    facts.setFact(FACT, [...(await listReceipts(facts)), kept].slice(-MOST)),
  )
