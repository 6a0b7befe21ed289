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
  [250, 'BindGuardian', 'GrantWith', 'DelegationEnd', 'BreakGlassOff', 'BreakGlassOn', 'Recovery', 'open'],
  [250, 'declare', 'Bind by passkey', 'adopt'],
  [1_000, 'Renewal', 'Withdrawal', 'RecoveryVeto', 'anchorReferral', 'lapse', 'escalate', 'Grant by passkey'],
  [1_000, 'Grant at the successor', 'Objection at the successor', 'Revocation at the successor'],
  [1_000, "Revocation of the predecessor's, at the successor", 'adoptReferrals', 'batch at the successor'],
  [20_000, 'RecoveryOverride', 'completeRecovery', 'cancelRecovery', 'close', 'review'],
  [20_000, 'Recovery by passkey', 'Delegation by passkey', 'Renewal at the successor'],
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
    expect(kinds.filter((kind) => !kind.endsWith(': landed')).length).toBeGreaterThan(150)
  },
  60_000 + sequences * 100,
)
