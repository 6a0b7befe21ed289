import { createRelayer } from '../../relayer/relayer.ts'
import type { Core } from '../core.ts'
import { noteEnded } from '../events/own-changes.ts'
import type { ExchangeSide } from '../exchange-side.ts'
import { createDelegates } from '../patients/delegates.ts'
import type { RequestSide } from '../requests/request-side.ts'
import { createActs } from './accept-act.ts'
import { createConsentSlots } from './consent-slots.ts'
import { createConsentStates } from './consent-state.ts'
import { createExplainer } from './explain.ts'
import { createProposals } from './proposals.ts'
import { createShareKeeper } from './share-keeper.ts'

export type ConsentSide = ReturnType<typeof createConsentSide>

/** What patients wish: taken in, passed on, read back, explained, and told to those whom it opens something. */
export function createConsentSide(core: Core, { outbox }: ExchangeSide, side: RequestSide) {
  const { db, config, clock, log, patients, index, sender, signing, member } = core
  const states = createConsentStates({ ...core, custodian: member, groups: config.groups })
  const shares = createShareKeeper({
    db,
    patients,
    clock,
    log,
    deps: { patients, states, index, clock, custodian: member, signing, accessLog: core.accessLog },
    ended: (patient) => noteEnded(db, core, patient),
  })
  const proposals = createProposals({ clock })
  const explainer = createExplainer({ db, states, clock })
  const delegates = createDelegates(core)
  const acts = createActs({
    ...core,
    ...side,
    ...{ proposals, delegates },
    afterAccept: () => {
      void sender.flush()
      shares.refresh()
    },
  })
  const relayer = createRelayer({
    ...core,
    custodianOf: (handle) => index.custodianOf(handle),
    accept: (signed) => acts.accept(signed),
    afterPassOn: () => {
      void sender.flush()
      void outbox.flush()
    },
  })
  const slots = createConsentSlots({ ...core, proposals, custodian: member })
  return { states, shares, proposals, explainer, delegates, acts, relayer, slots }
}
