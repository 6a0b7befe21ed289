import { recoverAddress, Signature } from 'ethers'
import { SIGNED_FLAGS } from '../domain/consent/consent-word.ts'
import { DELEGATE_ACTS } from '../domain/consent/rights.ts'
import {
  type ActName,
  type DelegateBounds,
  digestOfHashed,
  type HashedMessage,
  type TypedDataDomain,
} from '../domain/consent/typed-data.ts'
import { dayOfDate } from '../domain/days.ts'
import type { Hex } from '../domain/hex.ts'
import { ConsentRegistry__factory, type Contracts, PatientRegistry__factory } from './contracts.ts'

const consent = ConsentRegistry__factory.createInterface()
const patients = PatientRegistry__factory.createInterface()

/** A call ready to be sent: which contract, and its calldata. */
export type Call = { contract: Hex; data: Hex }

/**
 * The calldata that brings a signed act to its contract. It carries hashes only: never a nested body.
 * A `Bind`, `BindGuardian` or `Recovery` only counts when the custodian's registrar sends it.
 *
 * A recovery byte of 0 or 1, as some devices write it, becomes the 27 or 28 that the contracts take.
 * @param proof that a delegate bound to some scopes may use this one
 * @throws TypeError when the signature is none, or its s is in the upper half.
 */
export function actCall(
  act: ActName,
  contracts: Contracts,
  m: HashedMessage,
  signer: Hex,
  given: Hex,
  proof: readonly Hex[] = [],
): Call {
  const signature = Signature.from(given).serialized
  const consentCall = (data: string): Call => ({
    contract: contracts.consentRegistry as Hex,
    data: data as Hex,
  })
  const patientCall = (data: string): Call => ({
    contract: contracts.patientRegistry as Hex,
    data: data as Hex,
  })
  const of = <T extends HashedMessage>() => m as T
  switch (act) {
    case 'Grant': {
      if (proof.length === 0)
        return consentCall(consent.encodeFunctionData('grant', [grantStruct(m), signer, signature]))
      const backing = { proof: [...proof], approvalDeadline: 0, approval: '0x' }
      return consentCall(
        consent.encodeFunctionData('grantWith', [grantStruct(m), backing, signer, signature]),
      )
    }
    case 'Renewal': {
      const { handle, scope, terms, version, epoch, deadline } = of<GrantStruct>()
      const r = { handle, scope, terms, untilDay: dayIn(m, 'until'), version, epoch, deadline }
      return consentCall(consent.encodeFunctionData('renew', [r, [...proof], signer, signature]))
    }
    case 'RevocationList':
      return consentCall(consent.encodeFunctionData('revokeMany', [of<never>(), signer, signature]))
    case 'Revocation':
      return consentCall(consent.encodeFunctionData('revoke', [of<never>(), signer, signature]))
    case 'Objection':
      return consentCall(consent.encodeFunctionData('object', [of<never>(), signer, signature]))
    case 'Withdrawal':
      return consentCall(consent.encodeFunctionData('withdrawObjection', [of<never>(), signer, signature]))
    case 'Lock': {
      const { handle, upToEpoch } = of<{ handle: Hex; upToEpoch: number }>()
      return patientCall(patients.encodeFunctionData('lock', [handle, upToEpoch, signer, signature]))
    }
    case 'Unlock': {
      const { handle, epoch, deadline } = of<{ handle: Hex; epoch: number; deadline: number }>()
      return patientCall(patients.encodeFunctionData('unlock', [handle, epoch, deadline, signer, signature]))
    }
    case 'Bind': {
      const { handle, deadline } = of<{ handle: Hex; custodian: Hex; deadline: number }>()
      return patientCall(patients.encodeFunctionData('bind', [handle, deadline, signer, signature]))
    }
    case 'BindGuardian': {
      const { handle, deadline } = of<{ handle: Hex; deadline: number }>()
      const args = [handle, dayIn(m, 'until'), deadline, signer, signature] as const
      return patientCall(patients.encodeFunctionData('bindGuardian', [...args]))
    }
    case 'Delegation': {
      const { handle, delegate, version, epoch, deadline } = of<{
        handle: Hex
        delegate: Hex
        version: number
        epoch: number
        deadline: number
      }>()
      const bounds = boundsStruct(m.bounds as DelegateBounds)
      const d = { handle, delegate, bounds, version, epoch, deadline }
      return patientCall(patients.encodeFunctionData('appoint', [d, signer, signature]))
    }
    case 'DelegationEnd': {
      const { handle, delegate, upToVersion } = of<{ handle: Hex; delegate: Hex; upToVersion: number }>()
      const args = [handle, delegate, upToVersion, signer, signature] as const
      return patientCall(patients.encodeFunctionData('endDelegation', [...args]))
    }
    case 'BreakGlassOff': {
      const { handle, upToVersion } = of<{ handle: Hex; upToVersion: number }>()
      const args = [handle, upToVersion, signer, signature] as const
      return patientCall(patients.encodeFunctionData('switchBreakGlassOff', [...args]))
    }
    case 'BreakGlassOn': {
      const { handle, version, epoch, deadline } = of<{
        handle: Hex
        version: number
        epoch: number
        deadline: number
      }>()
      const args = [handle, version, epoch, deadline, signer, signature] as const
      return patientCall(patients.encodeFunctionData('switchBreakGlassOn', [...args]))
    }
    case 'Recovery':
      return patientCall(
        patients.encodeFunctionData('startRecovery', [...recoveryArgs(m, signer, signature)]),
      )
    case 'RecoveryVeto': {
      const { handle, attempt } = of<{ handle: Hex; attempt: number }>()
      return patientCall(patients.encodeFunctionData('vetoRecovery', [handle, attempt, signer, signature]))
    }
  }
}

/** A veto is overridden by the same signed act as starts a recovery; two registrars each send this. */
export function overrideCall(contracts: Contracts, m: HashedMessage, signer: Hex, given: Hex): Call {
  const signature = Signature.from(given).serialized
  return {
    contract: contracts.patientRegistry as Hex,
    data: patients.encodeFunctionData('overrideVeto', [...recoveryArgs(m, signer, signature)]) as Hex,
  }
}

/** A registrar takes a pending recovery back. */
export const cancelRecoveryCall = (contracts: Contracts, handle: Hex): Call => ({
  contract: contracts.patientRegistry as Hex,
  data: patients.encodeFunctionData('cancelRecovery', [handle]) as Hex,
})

/** Anybody completes a recovery whose wait is over. */
export const completeRecoveryCall = (contracts: Contracts, handle: Hex): Call => ({
  contract: contracts.patientRegistry as Hex,
  data: patients.encodeFunctionData('completeRecovery', [handle]) as Hex,
})

function recoveryArgs(m: HashedMessage, signer: Hex, signature: string) {
  const { handle, until, deadline } = m as { handle: Hex; until: string; deadline: number }
  return [handle, until === '' ? 0 : dayIn(m, 'until'), deadline, signer, signature] as const
}

const dayIn = (m: HashedMessage, name: string) => {
  const date = m[name]
  return (typeof date === 'string' ? dayOfDate(date) : undefined) ?? NaN
}

/** Bounds as the contract takes them: a bit for each act and each flag, a day for the date. */
function boundsStruct(bounds: DelegateBounds) {
  const { longestDays, until, scopes } = bounds
  return {
    acts: bitsOf(bounds, DELEGATE_ACTS),
    flags: bitsOf(bounds, SIGNED_FLAGS),
    longestDays,
    untilDay: dayOfDate(until) ?? NaN,
    scopes,
  }
}

const bitsOf = (from: object, names: readonly string[]) =>
  names.reduce((set, name, i) => ((from as Record<string, unknown>)[name] === true ? set | (1 << i) : set), 0)

type GrantStruct = {
  handle: string
  scope: string
  terms: string
  fromDay: number
  untilDay: number
  flags: number
  version: number
  epoch: number
  deadline: number
}

/** What was signed in words, as the contract takes it: days since 1970-01-01 and a bit for each flag. */
export function grantStruct(m: HashedMessage): GrantStruct {
  const { handle, scope, terms, version, epoch, deadline } = m as GrantStruct
  return {
    ...{ handle, scope, terms, version, epoch, deadline },
    fromDay: dayIn(m, 'from'),
    untilDay: dayIn(m, 'until'),
    flags: bitsOf(m, SIGNED_FLAGS),
  }
}

/** The address whose key signed the act, lower-case; undefined when the signature is none. */
export function signerOf(
  act: ActName,
  domain: TypedDataDomain,
  m: HashedMessage,
  signature: Hex,
): Hex | undefined {
  try {
    return recoverAddress(digestOfHashed(act, domain, m), signature).toLowerCase() as Hex
  } catch {
    return undefined
  }
}
