import { addLine, sha256 } from '../../domain/evidence/canonical-row.ts'
import { lastIndexed, linesOf } from '../../indexer/canonical/rows.ts'
import { viewLineOf } from '../../indexer/canonical/view.ts'
import type { OpenedIndex } from './open-index.ts'
import type { Output } from './output.ts'

/** Prints the dump, and what it holds on standard error. @returns the exit code */
export async function dumpIndex(
  opened: OpenedIndex,
  to: string | undefined,
  output: Output,
): Promise<number> {
  const { database, index, config } = opened
  try {
    if (to !== undefined && !/^\d{1,15}$/.test(to)) throw new Error('--to takes the number of a block')
    // One state of it, also while a broker goes on indexing.
    await index
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => {
        const last = await lastIndexed(trx)
        if (last === undefined) throw new Error('The index is empty')
        if (Number(to) > last) throw new Error(`The index ends at block ${last}`)
        const end = to === undefined ? last : Number(to)
        const { chainId, contracts, predecessors } = config.chain
        const first = viewLineOf(chainId, contracts, predecessors)
        await output.out(`${first}\n`)
        let hash = sha256(first)
        let rows = 0
        for await (const page of linesOf(trx, { after: -1, to: end })) {
          for (const { line } of page) hash = addLine(hash, line)
          rows += page.length
          await output.out(page.map(({ line }) => `${line}\n`).join(''))
        }
        output.err(`${rows} events up to block ${end}; running hash ${hash}\n`)
      })
    return 0
  } finally {
    await database.close()
  }
}
