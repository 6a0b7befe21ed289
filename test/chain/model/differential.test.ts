import { expect, test } from 'vitest'
import { seeded } from '../../seeded.ts'
import { runSequences } from './sequences.ts'

const sequences = Number(process.env.SEQUENCES ?? 2_000)

/** What is to land at least once in, of this many sequences: far fewer times than it does, so that no draw fails it. */
const AT_LEAST: [sequences: number, ...acts: string[]][] = [
  [
    100,
    'Bind',
    'Grant',
    'Revocation',
    'RevocationList',
    'Objection',
    'Lock',
    'Unlock',
    'Delegation',
    'batch',
  ],
  [
    250,
    'BindGuardian',
    'GrantWith',
    'DelegationEnd',
    'BreakGlassOff',
    'BreakGlassOn',
    'Recovery',
    'open',
    'declare',
  ],
  [1_000, 'Renewal', 'Withdrawal', 'RecoveryVeto', 'anchorReferral', 'lapse', 'escalate'],
  [20_000, 'RecoveryOverride', 'completeRecovery', 'cancelRecovery', 'close', 'review'],
]

test(
  `in ${sequences} random sequences of acts the contracts answer and keep what the model does`,
  async () => {
    const { seed } = seeded({})
    const tally = await runSequences({ seed, sequences, log: (line) => console.info(line) })
    const kinds = [...tally.keys()]
    if (process.env.TALLY)
      console.info(
        kinds
          .sort()
          .map((kind) => `${tally.get(kind)} ${kind}`)
          .join('\n'),
      )
    // A sequence in which everything is refused would prove little.
    for (const [share, ...acts] of AT_LEAST) {
      for (const act of acts)
        expect(tally.get(`${act}: landed`) ?? 0, act).toBeGreaterThanOrEqual(Math.floor(sequences / share))
    }
    expect(kinds.filter((kind) => !kind.endsWith(': landed')).length).toBeGreaterThan(60)
  },
  60_000 + sequences * 100,
)
