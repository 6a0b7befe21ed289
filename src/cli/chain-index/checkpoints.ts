import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { memberId } from '../../domain/identity/member-id.ts'
import { openBrokerTables } from '../../store/migrate.ts'
import { type Dump, type Exported, type Finding, findSplits } from './find-splits.ts'
import { openIndexOf } from './open-index.ts'
import { type Output, told } from './output.ts'

const WORDS: Readonly<Record<Finding['kind'], string>> = {
  unsigned: 'is not signed by a key of the member that it names',
  key: 'is verified with one key in one export and with another in another',
  contradiction: 'was said by this member, and the contrary as well',
  split: 'is contradicted by another member',
  rows: 'has another running hash than the dump',
}

/** `wayleave index checkpoints`: the members' signed words on the chain, and whether they go together. */
export function checkpointsCommand(output: Output): Command {
  return new Command('checkpoints')
    .description('Export signed checkpoints, and compare those of several members offline')
    .addCommand(
      new Command('export')
        .description('Print all checkpoints that this member has, its own and the others’, a line each')
        .option('--config <file>', 'the broker’s configuration, unless variables say it all')
        .action(({ config }: { config?: string }) => told(output, () => exportCheckpoints(config, output))),
    )
    .addCommand(
      new Command('compare')
        .description('Verify and compare exports; needs no server and no database')
        .argument('<export...>', 'files that `export` printed, of one member or several')
        .option(
          '--dump <file>',
          'what `index dump` printed: the keys are taken from it, and the running hashes checked',
        )
        .option('--json', 'what was found as JSON')
        .addHelpText(
          'after',
          '\nExit code: 0 where all agree, 1 where they do not, 2 where they could not be compared.' +
            '\nWithout a dump the keys are those that each export says; with one, those that its members published.',
        )
        .action((files: string[], options: { dump?: string; json?: boolean }) =>
          told(output, () => compareExports(files, options, output)),
        ),
    )
}

async function exportCheckpoints(file: string | undefined, output: Output): Promise<number> {
  const { config, database } = await openIndexOf(file)
  try {
    const db = await openBrokerTables(database.db)
    const by = memberId(config.identifier)
    const rows = db.selectFrom('checkpoints').selectAll().orderBy('block').orderBy('member').orderBy('digest')
    for (const { member, block, jws, jwk, verdict, at } of await rows.execute()) {
      const exported: Exported = {
        by,
        member,
        block,
        verdict,
        at,
        jwk: JSON.parse(jwk) as Exported['jwk'],
        jws,
      }
      await output.out(`${JSON.stringify(exported)}\n`)
    }
    return 0
  } finally {
    await database.close()
  }
}

async function compareExports(
  files: string[],
  options: { dump?: string; json?: boolean },
  output: Output,
): Promise<number> {
  const exports = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Exported),
  )
  if (exports.length === 0) throw new Error('There is no checkpoint in these files')
  const result = await findSplits(exports, options.dump === undefined ? undefined : readDump(options.dump))
  if (options.json) output.out(`${JSON.stringify(result, null, 2)}\n`)
  else {
    output.out(
      `${result.checkpoints} checkpoints of ${result.members} members, up to block ${result.newest}.\n`,
    )
    if (options.dump !== undefined) output.out(`${result.checked} of them were held against the dump.\n`)
    for (const { kind, member, block } of result.findings)
      output.out(`${kind}: the checkpoint of block ${block} by ${member} ${WORDS[kind]}\n`)
    output.out(result.findings.length === 0 ? 'They agree.\n' : 'They do not agree.\n')
  }
  return result.findings.length === 0 ? 0 : 1
}

const readDump = (file: string): Dump =>
  createInterface({ input: createReadStream(file), crlfDelay: Infinity })
