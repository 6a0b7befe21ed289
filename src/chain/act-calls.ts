import { recoverAddress, Signature } from 'ethers'
import { SIGNED_FLAGS } from '../domain/consent/consent-word.ts'
import {
  type ActName,
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
 * A `Bind` only counts when the custodian's registrar sends it.
 *
 * A recovery byte of 0 or 1, as some devices write it, becomes the 27 or 28 that the contracts take.
 * @throws TypeError when the signature is none, or its s is in the upper half.
 */
export function actCall(act: ActName, contracts: Contracts, m: HashedMessage, signer: Hex, given: Hex): Call {
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
    case 'Grant':
      return consentCall(consent.encodeFunctionData('grant', [grantStruct(m), signer, signature]))
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
  }
}

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
  const day = (name: string) => dayOfDate(String(m[name])) ?? NaN
  return {
    ...{ handle, scope, terms, version, epoch, deadline },
    fromDay: day('from'),
    untilDay: day('until'),
    flags: SIGNED_FLAGS.reduce((bits, flag, i) => bits | (m[flag] === true ? 1 << i : 0), 0),
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
