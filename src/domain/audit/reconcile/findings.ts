/** What a reconciliation can find. A finding is true of what was compared; why it came about is for people to find out. */

/** One list, closed. `means` what it says, `act` what to do. */
export const FINDINGS = {
  // a member's own log against its windows on the chain
  'anchor-missing': {
    means: 'A closed window of the log is not on the chain, though it should be by now.',
    act: 'Look at readiness and the outbox: until it is anchored nothing is released. Where the outbox says it was mined, the chain or the books were changed: call the council.',
  },
  'anchor-gap': {
    means: 'Two windows that follow each other on the chain leave a time between them, or a number out.',
    act: 'The contract forbids it. Compare the node with another member’s, and tell the council.',
  },
  'anchor-doubled': {
    means: 'One window number was anchored more than once.',
    act: 'After a contract was replaced, somebody went on writing to the old one. Find the process that did.',
  },
  'window-missing': {
    means: 'The chain holds a window that the books do not.',
    act: 'After a restore this is what the backup did not have: say so in writing. Otherwise the books were changed: secure them, and look for the entries in the trail’s copies.',
  },
  'window-times-differ': {
    means: 'The books say other times of a window than the chain.',
    act: 'The books were changed. Secure database and backups, and find out who could write to them.',
  },
  'root-differs': {
    means: 'The books say another root of a window than the chain.',
    act: 'The books were changed. Secure database and backups, and find out who could write to them.',
  },
  'window-altered': {
    means:
      'The entries kept of a window are not those that were anchored: at least one was removed or replaced.',
    act: 'Look in backups for that window’s entries; the chain’s root says which set is the true one.',
  },
  'entry-altered': {
    means: 'An entry does not have the leaf that was anchored for it: its content was changed afterwards.',
    act: 'Look in backups and in the trail’s copies for the entry as it was; its leaf says which is the true one.',
  },
  'entry-unreadable': {
    means: 'An entry cannot be opened with the hospital’s key.',
    act: 'Look whether the key file is the right one; if others open, the entry was damaged or replaced.',
  },
  'entry-emptied': {
    means: 'The content of an entry was deleted, though it has to be kept longer.',
    act: 'Look in backups for the entry; its leaf says which is the true one. Find out who could write to the database.',
  },
  'entry-doubled': {
    means: 'One entry stands in the log more than once.',
    act: 'No process of the broker writes an entry twice. Find out who could write to the database.',
  },
  'entry-after-the-fact': {
    means: 'An entry was put into a window whose root had been anchored without it.',
    act: 'Do not rely on what it says. Find out who could write to the database.',
  },
  'entry-in-wrong-window': {
    means: 'An entry stands in another window than the one that it was anchored in.',
    act: 'Do not rely on its place. Find out who could write to the database.',
  },
  'entry-outside-window': {
    means: 'An entry was anchored in a window that does not cover the time it bears.',
    act: 'The clock was moved, or the entry was written after the fact. Compare with the log of the time service.',
  },
  'entry-out-of-order': {
    means: 'An entry bears a later time than the one that was written after it.',
    act: 'The clock was put back, or entries were exchanged. Compare with the log of the time service.',
  },
  'entry-unanchored': {
    means: 'An entry is in no window, though it should be by now.',
    act: 'Look at readiness: until it is anchored nothing is released. Where the broker is ready, the entry was taken out of its window or is no entry of the broker’s.',
  },
  'released-while-overdue': {
    means: 'A release was decided on while an older entry had waited for its anchor longer than a minute.',
    act: 'A broker that keeps the rules refuses then. Look for a changed program or a moved clock.',
  },
  'disclosure-without-intent': {
    means: 'Something was disclosed, and no intent was written before.',
    act: 'A broker that keeps the rules writes the intent first. Look for a changed program, or a removed entry.',
  },
  'disclosed-after-refusal': {
    means: 'One exchange was refused, and disclosed afterwards.',
    act: 'Both cannot be right. Ask the requester for its evidence of this exchange.',
  },
  'exchange-doubled': {
    means: 'One exchange is told of twice by the same side.',
    act: 'The name of an exchange is used once. Ask the other side how often it came.',
  },

  // the log against the trail that people read
  'trail-line-missing': {
    means: 'The log has an entry, and the trail that people read does not.',
    act: 'Rely on the log, which is anchored. Find out who could delete from the trail.',
  },
  'trail-line-differs': {
    means: 'The trail that people read says something else than the log.',
    act: 'Rely on the log, which is anchored. Find out who could write to the trail.',
  },
  'log-entry-missing': {
    means: 'The trail has a line of the broker’s own that the log does not have.',
    act: 'If a window was altered at the same time, this line is the copy of what was removed; otherwise it was made up.',
  },
  'event-line-missing': {
    means: 'The chain has an event that the trail does not tell of.',
    act: 'Rely on the chain. Find out who could delete from the trail; delete the index to have it told anew.',
  },
  'event-line-differs': {
    means: 'The trail tells otherwise of an event of the chain.',
    act: 'Rely on the chain. Find out who could write to the trail.',
  },
  'event-line-unfounded': {
    means: 'The trail tells of an event that the chain does not have.',
    act: 'Rely on the chain. Find out who could write to the trail.',
  },

  // two members about their exchanges
  'disclosure-without-receipt': {
    means: 'One side disclosed something, and the other has no proof that it came.',
    act: 'It was lost on the way, or is denied. Ask the other side; the custodian’s line is anchored.',
  },
  'receipt-without-disclosure': {
    means: 'One side received something, and the other has no proof that it disclosed it.',
    act: 'The custodian’s log lacks an entry. The requester keeps the custodian’s signature: show it.',
  },
  'bytes-differ': {
    means: 'Both sides name one exchange, and not the same bytes.',
    act: 'Compare the custodian’s signature, which the requester keeps, with both.',
  },
  'purpose-differs': {
    means: 'Both sides name one exchange, and not the same purpose.',
    act: 'The requester’s signed token request says which purpose it stated.',
  },
  'record-differs': {
    means: 'Both sides name one exchange, and not the same record.',
    act: 'The custodian’s signature, which the requester keeps, names the entry.',
  },
  'times-contradict': {
    means: 'What one side says of the time of an exchange cannot be true together with what the other says.',
    act: 'A clock is wrong, or one of the lines was written after the fact.',
  },
  'proof-invalid': {
    means: 'A line that a member shows does not lead to the root that it anchored.',
    act: 'Do not rely on the line. Ask that member for its evidence anew, and tell the council if it stays so.',
  },
  'window-not-anchored': {
    means: 'A member shows a line in a window that is not on the chain.',
    act: 'Do not rely on the line. Ask again when the window should be anchored.',
  },
  'shown-outside-window': {
    means: 'A member shows a line that bears another time than its window has on the chain.',
    act: 'A clock is wrong, or the line was written after the fact.',
  },
  'not-of-these-two': {
    means: 'A member shows a line about other members, or in a part that is not its own.',
    act: 'Do not rely on the line, and tell the member: it showed what is nobody else’s business.',
  },
} as const satisfies Record<string, { means: string; act: string }>

export type FindingCode = keyof typeof FINDINGS

/** One disagreement. `what` names it: `window 7`, `entry ID`, `exchange NAME`, `event BLOCK/LOGINDEX`; never a patient. */
export type Finding = {
  readonly code: FindingCode
  readonly what: string
  /** The member whose books, or whose word, is at fault as far as it can be told. */
  readonly of: string
  /** A few words more: the other window, the other value. */
  readonly note?: string
}

export type FindingCount = { found: number; examples: Finding[] }

export type ReconciliationReport = {
  /** What was compared, so that nothing found is not nothing looked at. */
  compared: Record<
    'windows' | 'entries' | 'expired' | 'trailLines' | 'events' | 'ownLines' | 'theirLines' | 'matched',
    number
  >
  /** Members that could not be asked, and the code of why. */
  silent: { member: string; why: string }[]
  findings: Partial<Record<FindingCode, FindingCount>>
  /** Whether nothing was found. A member that is silent does not agree. */
  agree: boolean
}

/** Of each code so many are named; all are counted. */
const NAMED = 1_000

/** Gathers what is found; bounded, however much there is. */
export function createReport() {
  const compared: ReconciliationReport['compared'] = {
    ...{
      windows: 0,
      entries: 0,
      expired: 0,
      trailLines: 0,
      events: 0,
      ownLines: 0,
      theirLines: 0,
      matched: 0,
    },
  }
  const silent: ReconciliationReport['silent'] = []
  const counts = new Map<FindingCode, FindingCount>()
  return {
    compared,
    silent,
    found(finding: Finding): void {
      const count = counts.get(finding.code) ?? { found: 0, examples: [] }
      counts.set(finding.code, count)
      count.found++
      if (count.examples.length < NAMED) count.examples.push(finding)
    },
    report: (): ReconciliationReport => ({
      compared,
      silent,
      findings: Object.fromEntries(
        [...counts].sort(([a], [b]) => (a < b ? -1 : 1)),
      ) as ReconciliationReport['findings'],
      agree: counts.size === 0 && silent.length === 0,
    }),
  }
}

export type ReportBuilder = ReturnType<typeof createReport>
