import { Wallet } from 'ethers'
import type { Hex } from '../../domain/hex.ts'
import type { Core } from '../core.ts'
import type { Freezing } from '../identity/identity-side.ts'
import type { RegisterSide } from '../register/register-side.ts'
import { createAdmission } from './admit-patient.ts'
import { createCases } from './cases.ts'
import { createEnrolments } from './enrolment.ts'
import { createMessages } from './message-outbox.ts'
import { createNoticeWatch } from './notice-watch.ts'
import { createNotices } from './notices.ts'
import { createPreferences } from './preferences.ts'
import { createRecoveries } from './recovery.ts'
import { createRecoveryKeeper } from './recovery-keeper.ts'
import { createSelfEnrolment } from './self-enrolment.ts'
import { openSenders } from './senders.ts'

export type PatientSide = ReturnType<typeof createPatientSide>

/** How people become patients of the network, and how they are told something outside of the portal. */
export function createPatientSide(core: Core, register: Pick<RegisterSide, 'source'>, freezing: Freezing) {
  const { config, member, sender, observer, organization } = core
  const { country, language = 'en' } = config.messages ?? {}
  const messages = createMessages({
    ...core,
    metrics: observer.metrics,
    sender: openSenders(core),
    hospital: organization.name,
  })
  const admission = createAdmission({ ...core, ...register, ...freezing })
  const common = { ...core, ...register, admission, messages, language }
  const enrolments = createEnrolments({
    ...common,
    custodian: member,
    afterBind: () => void sender.flush(),
  })
  const selfEnrolment = createSelfEnrolment({
    ...common,
    country,
    identifierSystems: config.identifierSystems,
  })
  const afterStore = () => void sender.flush()
  const recoveries = createRecoveries({
    ...{ ...common, custodian: member, afterStore },
    registrar: new Wallet(core.operator).address as Hex,
  })
  const recoveryKeeper = createRecoveryKeeper({ ...core, custodian: member, afterStore })
  const notices = createNotices({ ...core, custodian: member })
  const watch = createNoticeWatch({ ...common, notices })
  return {
    notices,
    cases: createCases({ ...core, notices, own: { id: member, ...organization } }),
    preferences: createPreferences(core),
    messages,
    ...{ enrolments, recoveries, recoveryKeeper },
    selfEnrolment,
    async closePatients() {
      await recoveryKeeper.close()
      await watch.close()
      await selfEnrolment.close()
      await messages.close()
    },
  }
}
