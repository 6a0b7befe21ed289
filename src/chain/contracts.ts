/**
 * The contracts as TypeScript sees them: typechain's factories and types, generated into `types/` by `hardhat build`
 * (`scripts/contracts.ts`). Everything else imports them from here; `types/index.ts` cannot be loaded by Node.
 */
export type { AccessManager } from '../../types/@openzeppelin/contracts/access/manager/AccessManager.ts'
export type { AccessLog } from '../../types/contracts/access/AccessLog.ts'
export type { ConsentRegistry } from '../../types/contracts/consent/ConsentRegistry.ts'
export type { BreakGlass } from '../../types/contracts/emergency/BreakGlass.ts'
export type { Council } from '../../types/contracts/governance/Council.ts'
export type { Succession } from '../../types/contracts/governance/Succession.ts'
export type { MemberRegistry } from '../../types/contracts/members/MemberRegistry.ts'
export type { PasskeyVerifier } from '../../types/contracts/patients/PasskeyVerifier.ts'
export type { PatientRegistry } from '../../types/contracts/patients/PatientRegistry.ts'
export type { RecordDirectory } from '../../types/contracts/records/RecordDirectory.ts'
export type { AccessRequests } from '../../types/contracts/requests/AccessRequests.ts'
export { AccessManager__factory } from '../../types/factories/@openzeppelin/contracts/access/manager/AccessManager__factory.ts'
export { AccessLog__factory } from '../../types/factories/contracts/access/AccessLog__factory.ts'
export { AccessLogSuccessor__factory } from '../../types/factories/contracts/access/AccessLogSuccessor__factory.ts'
export { ConsentRegistry__factory } from '../../types/factories/contracts/consent/ConsentRegistry__factory.ts'
export { ConsentSuccessor__factory } from '../../types/factories/contracts/consent/ConsentSuccessor__factory.ts'
export { BreakGlass__factory } from '../../types/factories/contracts/emergency/BreakGlass__factory.ts'
export { BreakGlassSuccessor__factory } from '../../types/factories/contracts/emergency/BreakGlassSuccessor__factory.ts'
export { Council__factory } from '../../types/factories/contracts/governance/Council__factory.ts'
export { ILine__factory } from '../../types/factories/contracts/governance/ILine__factory.ts'
export { Succession__factory } from '../../types/factories/contracts/governance/Succession__factory.ts'
export { MemberRegistry__factory } from '../../types/factories/contracts/members/MemberRegistry__factory.ts'
export { MemberRegistrySuccessor__factory } from '../../types/factories/contracts/members/MemberRegistrySuccessor__factory.ts'
export { PasskeyVerifier__factory } from '../../types/factories/contracts/patients/PasskeyVerifier__factory.ts'
export { PatientRegistry__factory } from '../../types/factories/contracts/patients/PatientRegistry__factory.ts'
export { PatientRegistrySuccessor__factory } from '../../types/factories/contracts/patients/PatientRegistrySuccessor__factory.ts'
export { RecordDirectory__factory } from '../../types/factories/contracts/records/RecordDirectory__factory.ts'
export { RecordDirectorySuccessor__factory } from '../../types/factories/contracts/records/RecordDirectorySuccessor__factory.ts'
export { AccessRequests__factory } from '../../types/factories/contracts/requests/AccessRequests__factory.ts'
export { AccessRequestsSuccessor__factory } from '../../types/factories/contracts/requests/AccessRequestsSuccessor__factory.ts'

/** Where the contracts of one deployment are: checksummed 20-byte addresses. */
export type Contracts = {
  accessManager: string
  memberRegistry: string
  patientRegistry: string
  consentRegistry: string
  recordDirectory: string
  accessLog: string
  passkeyVerifier: string
  accessRequests: string
  breakGlass: string
  succession: string
  council: string
}
