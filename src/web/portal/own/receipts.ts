import type { Hex } from '../../../domain/hex.ts'
import type { Receipt } from '../../../patient/client.ts'
import type { DeviceVault } from '../device/vault.ts'

/** A hospital's receipt for what was signed here, as it came: whoever has it can hold the hospital to it. */
export type KeptReceipt = { member: Hex; slot?: Hex; act: string; receipt: Receipt; jws: string }

const FACT = 'receipts'
/** The oldest go first. */
const MOST = 200

export const listReceipts = async (vault: DeviceVault): Promise<KeptReceipt[]> =>
  (await vault.fact<KeptReceipt[]>(FACT)) ?? []

export const keepReceipt = (vault: DeviceVault, kept: KeptReceipt): Promise<void> =>
  navigator.locks.request('wayleave.receipts', async () =>
    vault.setFact(FACT, [...(await listReceipts(vault)), kept].slice(-MOST)),
  )
