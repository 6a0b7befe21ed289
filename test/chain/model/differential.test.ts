import { expect, test } from 'vitest'
import { seeded } from '../../seeded.ts'
import { runSequences } from './sequences.ts'

const sequences = Number(process.env.SEQUENCES ?? 2_000)

test(
  `in ${sequences} random sequences of acts the contracts answer and keep what the model does`,
  async () => {
    const { seed } = seeded({})
    const tally = await runSequences({ seed, sequences, log: (line) => console.info(line) })
    const kinds = [...tally.keys()]
    // A sequence in which everything is refused would prove little.
    for (const act of ['Bind', 'Grant', 'Revocation', 'Objection', 'Withdrawal', 'Lock', 'Unlock']) {
      expect(tally.get(`${act}: landed`) ?? 0, act).toBeGreaterThan(sequences / 100)
    }
    expect(kinds.filter((kind) => !kind.endsWith(': landed')).length).toBeGreaterThan(20)
  },
  60_000 + sequences * 100,
)
