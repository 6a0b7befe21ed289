import type { ErrorCode } from '../domain/errors.ts'
import {
  AccessManager__factory,
  ConsentRegistry__factory,
  Council__factory,
  MemberRegistry__factory,
  PatientRegistry__factory,
  Succession__factory,
} from './contracts.ts'

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
  SignerActNotAllowed: 'not-within-bounds',
  ConsentDelegatePeriodTooLong: 'not-within-bounds',
  ConsentDelegateFlags: 'not-within-bounds',
  ConsentDelegateScope: 'not-within-bounds',
  SignerRecoveryPending: 'recovery-pending',
  PatientRecoveryStateInvalid: 'recovery-not-open',
  PatientAttemptMismatch: 'version-wrong',
  PatientSignerBound: 'key-taken',
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

const STATES = ['unknown', 'open to votes', 'carried and waiting', 'done', 'stopped']
const STATUS = ['unknown', 'live', 'suspended', 'removed']

type Values = readonly string[]

/** What a seat of the council or an operator is told; whatever is not here is told by the error's own name. */
const WORDS: Record<string, (values: Values) => string> = {
  CouncilSeatMissing: ([account]) => `${account} has no seat in the council`,
  CouncilSeatTaken: ([account]) => `${account} has a seat already`,
  CouncilVotedTwice: ([id]) => `this seat has voted so on act ${id} before`,
  CouncilStateInvalid: ([id, state]) => `act ${id} is ${STATES[Number(state)]}`,
  CouncilRoundPassed: ([id]) => `the seats have changed since act ${id} was proposed: propose it anew`,
  CouncilNotAuthorized: ([target, selector]) => `the council may not call ${selector} of ${target}`,
  CouncilTooSmall: ([, seats, threshold]) =>
    `a chamber would be empty, or ${seats} seats be fewer than the ${threshold} votes that are needed`,
  AccessManagerNotReady: () => 'the delay of this act is not over yet',
  AccessManagerExpired: () => 'nobody performed this act within a week of its time: propose it anew',
  AccessManagerNotScheduled: () => 'an equal act was performed or stopped in its place',
  AccessManagerAlreadyScheduled: () => 'an equal act is carried and waiting already',
  MemberStatusInvalid: ([member, status]) => `member ${member} is ${STATUS[Number(status)]}`,
  MemberInGroup: ([, member]) => `member ${member} is in the group already`,
  MemberNotInGroup: ([, member]) => `member ${member} is not in the group`,
  MemberOperatorTaken: ([operator, member]) => `${operator} acts for member ${member} already`,
  SuccessorWithoutCode: ([successor]) => `there is no contract at ${successor}`,
  SuccessorNotAnnounced: ([predecessor, , announced]) =>
    `the council has announced ${BigInt(announced ?? 0) === 0n ? 'no successor' : announced} for ${predecessor}`,
  SuccessorCodeChanged: ([successor]) => `the code at ${successor} is not the one that was announced`,
  SuccessorMemberInvalid: ([operator]) => `${operator} acts for no live member`,
}

const all = [
  ...interfaces,
  Council__factory.createInterface(),
  AccessManager__factory.createInterface(),
  MemberRegistry__factory.createInterface(),
  Succession__factory.createInterface(),
]

/** A contract's revert data as a sentence. */
export function describeRefusal(data: string): string {
  for (const contract of all) {
    const error = data.length >= 10 ? contract.parseError(data) : null
    if (!error) continue
    const words = WORDS[error.name]
    return words
      ? words([...error.args].map(String))
      : `the contract refuses: ${error.name}(${error.args.join(', ')})`
  }
  return 'the contract refuses, and does not say why'
}
