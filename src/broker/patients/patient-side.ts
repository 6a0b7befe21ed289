import { Wallet } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import type { Core } from '../core.ts'
import type { Freezing } from '../identity/identity-side.ts'
import type { RegisterSide } from '../register/register-side.ts'
import { createFileContactSender } from './contact-sender.ts'
import { createRecoveries } from './recovery.ts'
import { createRecoveryKeeper } from './recovery-keeper.ts'

export type PatientSide = ReturnType<typeof createPatientSide>

/** What is about the persons and their keys beyond the first enrolment. */
export function createPatientSide(core: Core, sides: Freezing & Pick<RegisterSide, 'source'>) {
  const { config, member, operator, sender } = core
  const afterStore = () => void sender.flush()
  const recoveries = createRecoveries({
    ...{ ...core, ...sides, custodian: member, afterStore },
    contact: createFileContactSender(config.contactFile),
    registrar: new Wallet(operator).address as Hex,
  })
  const recoveryKeeper = createRecoveryKeeper({ ...core, custodian: member, afterStore })
  return { recoveries, recoveryKeeper }
}
