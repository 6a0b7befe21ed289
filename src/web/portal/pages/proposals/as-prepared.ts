import type { OwnProposal } from '../../../../domain/consent/own-proposals.ts'
import type { PatientClient } from '../../../../patient/client.ts'
import type { Prepared } from '../../../../patient/prepare.ts'

/** The act that a proposal asks for, built by this device and not yet signed: it is shown, and then signed as shown. */
export async function asPrepared(
  { prepare }: Pick<PatientClient, 'prepare'>,
  { effect, wish }: OwnProposal,
): Promise<Prepared> {
  const { to, purpose, dataClasses: classes, sensitivities, from, until, body } = wish
  const narrower = body ? { body } : {}
  if (effect === 'end') return prepare.revoke({ to, purpose })
  if (effect === 'deny') return prepare.object({ to, purpose, classes, ...narrower })
  const period = { ...(from ? { from } : {}), ...(until ? { until } : {}) }
  return prepare.grant({ to, purpose, classes, sensitivities, ...period, ...narrower })
}
