import type { Kysely } from 'kysely'
import { type Candidate, decide } from '../../domain/consent/decide.ts'
import type { SaltedScope } from '../../domain/consent/scope.ts'
import { type Hex, ZERO_32 } from '../../domain/hex.ts'
import { groupId, memberId } from '../../domain/identity/member-id.ts'
import { compartmentOf } from '../../domain/records/compartments.ts'
import type { IndexQueries } from '../../indexer/index.ts'
import type { StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { ConsentState, ConsentStates } from './consent-state.ts'
import { scopesOf } from './scopes.ts'

/** What one scope opens to one member now: the compartments whose every record it may have, or records one by one. */
export type Opening = {
  grantee: Hex
  scopeHash: Hex
  scope: SaltedScope
  terms: { dataClasses: string[]; sensitivities: string[] }
  fromDay: number
  untilDay: number
  /** `chain`: the member finds the records with the compartments' keys; `custodian`: it asks here, and gets no key. */
  listing: 'chain' | 'custodian'
  compartments: string[]
}

/**
 * Everything that the patient's consents open at this block, to whom. The decision engine itself is asked for each
 * compartment as for a record, so that what is shared and what would be released can never differ.
 */
export async function openingsOf(
  db: Kysely<BrokerTables>,
  deps: { states: ConsentStates; index: IndexQueries; custodian: Hex },
  patient: StoredPatient,
  compartments: readonly string[],
): Promise<Opening[]> {
  const openings: Opening[] = []
  for (const [scopeHash, scope] of await scopesOf(db, patient)) {
    for (const grantee of await membersReached(deps.index, scope)) {
      if (grantee === deps.custodian) continue
      const state = await deps.states.read(db, { patient, requester: grantee, purpose: scope.purpose })
      const candidate = state.candidates.find((c) => c.scopeHash === scopeHash)
      if (!candidate?.terms || candidate.word.state !== 'permit') continue
      // Where any consent is about single records, no compartment is open in full.
      const single = state.candidates.some(isAboutSingleRecords)
      const opened = compartments.filter((name) => {
        const decision = decide({ ...state, record: compartmentOf(name) })
        return decision.decision === 'permit' && decision.rule.scopeHash === scopeHash && !single
      })
      // A scope in force that opens nothing yet is still told, so that the grantee can fetch what comes later.
      const inForce = opened.length > 0 || permitsSomething(single ? withoutBodies(state) : state, scopeHash)
      if (!inForce) continue
      const { dataClasses, sensitivities } = candidate.terms
      const { fromDay, untilDay } = candidate.word
      openings.push({
        grantee,
        scopeHash,
        scope,
        terms: { dataClasses, sensitivities },
        fromDay,
        untilDay,
        listing: single ? 'custodian' : 'chain',
        compartments: opened,
      })
    }
  }
  return openings
}

const isAboutSingleRecords = ({ word, body }: Candidate) => body !== undefined && word.state !== 'silent'

/** What the consents might open if their bodies left all of it: each record is decided on when it is asked for. */
function withoutBodies(state: ConsentState): ConsentState {
  const candidates = state.candidates.flatMap(({ body, ...candidate }): Candidate[] => {
    if (!body || !candidate.terms) return [candidate]
    if (candidate.word.state === 'objection') return []
    return [{ ...candidate, terms: { ...candidate.terms, body: ZERO_32 } }]
  })
  return { ...state, candidates }
}

function permitsSomething(state: ConsentState, scopeHash: Hex): boolean {
  const candidate = state.candidates.find((c) => c.scopeHash === scopeHash)
  return (candidate?.terms?.dataClasses ?? []).some((dataClass) => {
    const decision = decide({ ...state, record: { dataClass, kinds: [] } })
    return decision.decision === 'permit' && decision.rule.scopeHash === scopeHash
  })
}

async function membersReached(index: IndexQueries, scope: SaltedScope): Promise<Hex[]> {
  switch (scope.granteeType) {
    case 'Organization':
      return [memberId(scope.grantee)]
    case 'Group':
      return index.membersOfGroup(groupId(scope.grantee))
    case 'Everyone':
      return index.members()
  }
}

export const openedLine = (grantee: Hex, compartment: string) => `${grantee}|${compartment}`

/** One line for each thing open to each member. */
export function openedLines(openings: readonly Opening[]): string[] {
  return openings
    .flatMap(({ grantee, compartments }) => compartments.map((name) => openedLine(grantee, name)))
    .filter((line, i, all) => all.indexOf(line) === i)
    .sort()
}
