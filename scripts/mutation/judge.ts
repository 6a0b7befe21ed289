import { projectSettings, readContracts } from '../solidity.ts'
import { type Mutant, mutantsOf, mutated } from './mutants.ts'
import { createTester, type Verdict } from './tester.ts'

export type Judgement = Verdict | { outcome: 'equivalent' }

/**
 * Judges mutants. A survivor whose optimized code is the original's is no mutant at all.
 *
 * @param root whose `contracts/` is read once, at the start, and never written
 */
export async function createJudge(root: string, seed: number) {
  const settings = await projectSettings()
  const sources = readContracts(root)
  const tester = await createTester(root, settings, sources, seed)

  async function judge(mutant: Mutant): Promise<Judgement> {
    const changed = mutated(sources, mutant)
    const verdict = await tester.run(changed, mutant.file)
    if (verdict.outcome !== 'survived') return verdict
    const same = tester.codeOf(changed, mutant.file) === tester.codeOf(sources, mutant.file)
    return { outcome: same ? 'equivalent' : 'survived' }
  }

  return {
    mutants: mutantsOf(root, sources, settings),
    judge,
    /** Whether the tests hold without any change; else nothing could be concluded. */
    baseline: () => tester.run(sources, ''),
  }
}
/** A mutant in one line, for people. */
export function describeMutant({ file, line, operator, before, after }: Mutant): string {
  const short = (text: string) => text.replace(/\s+/g, ' ').trim()
  return `${file}:${line} ${operator}: \`${short(before)}\` → \`${short(after) || 'nothing'}\``
}

/** `count` of the mutants by seed, without repetition. */
export function sampleOf(mutants: readonly Mutant[], count: number, seed: number): Mutant[] {
  const keyed = mutants.map((mutant) => ({ mutant, key: hash(`${seed} ${mutant.id}`) }))
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ mutant }) => mutant)
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (const byte of Buffer.from(text)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  // The last steps of murmur3, since FNV alone leaves near texts near.
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0
}
