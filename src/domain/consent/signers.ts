import { keccak_256 } from '@noble/hashes/sha3.js'
import { fromHex, type Hex, toHex } from '../hex.ts'

/** keccak256 of a signer, as the PatientRegistry keeps it. */
export const signerHashOf = (signer: Hex): Hex => toHex(keccak_256(fromHex(signer.toLowerCase())))

/** Who signs for a handle, as events of the PatientRegistry say it. Signers are keccak256 of the key. */
export type HandleSigners = {
  /** The owner or guardian that was bound or took over last. */
  master?: Hex
  /** The last day of a guardian who is that, in days since 1970-01-01 UTC. */
  guardianUntil?: number
  /** The new key of the recovery that was started last, until one is completed: vetoed and cancelled ones, too. */
  candidate?: Hex
  delegates: Set<Hex>
}

/**
 * Folds a handle's events, in their order; names that are not of signers change nothing. Nobody signs at this custodian for a
 * handle that another one has bound.
 */
export function signersOf(
  events: readonly { name: string; args: Record<string, string> }[],
  custodian: Hex,
): HandleSigners {
  const foreign = events.some(({ name, args }) => name === 'HandleBound' && args.custodian !== custodian)
  if (foreign) return { delegates: new Set() }
  let signers: HandleSigners = { delegates: new Set() }
  for (const { name, args } of events) {
    if (name === 'HandleBound') signers.master = args.signerHash as Hex
    if (name === 'GuardianSet') signers.guardianUntil = Number(args.untilDay)
    if (name === 'DelegateSet') signers.delegates.add(args.delegate as Hex)
    if (name === 'DelegateEnded') signers.delegates.delete(args.delegate as Hex)
    if (name === 'RecoveryStarted') signers.candidate = args.newSigner as Hex
    // A new generation: every right of the one before is void.
    if (name === 'RecoveryCompleted') signers = { master: args.newSigner as Hex, delegates: new Set() }
  }
  return signers
}
