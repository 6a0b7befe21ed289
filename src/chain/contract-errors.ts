import type { ErrorCode } from '../domain/errors.ts'
import { ConsentRegistry__factory, PatientRegistry__factory } from './contracts.ts'

/** The contracts' custom errors that a patient's act can meet, and what the patient is told. */
const CODES: Record<string, ErrorCode> = {
  ConsentDeadlinePassed: 'deadline-passed',
  PatientDeadlinePassed: 'deadline-passed',
  ConsentEpochMismatch: 'epoch-wrong',
  PatientEpochMismatch: 'epoch-wrong',
  ConsentVersionMismatch: 'version-wrong',
  ConsentNoObjection: 'version-wrong',
  ConsentHandleLocked: 'epoch-wrong',
  PatientHandleNotLocked: 'epoch-wrong',
  ConsentHandleUnbound: 'handle-unknown',
  ConsentSignerNotOwner: 'signer-unknown',
  PatientSignerNotOwner: 'signer-unknown',
  PatientHandleLocked: 'epoch-wrong',
  PatientVersionMismatch: 'version-wrong',
  ConsentNoPermit: 'version-wrong',
  SignerEnded: 'signer-unknown',
  SignerActNotAllowed: 'signer-unknown',
  SignerRecoveryPending: 'epoch-wrong',
}

const interfaces = [ConsentRegistry__factory.createInterface(), PatientRegistry__factory.createInterface()]

/** The error code for a contract's revert data; whatever else a contract refuses is typed data that it cannot take. */
export function errorCodeOfSelector(data: string): ErrorCode {
  const selector = data.slice(0, 10)
  for (const contract of interfaces) {
    const name = selector.length === 10 ? contract.getError(selector)?.name : undefined
    if (name) return CODES[name] ?? 'typed-data-invalid'
  }
  return 'typed-data-invalid'
}
