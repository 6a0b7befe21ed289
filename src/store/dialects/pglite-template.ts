import { constants } from 'node:fs'
import { chmod, cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { MADE_ONCE, madeOnce } from '../made-once.ts'

// initdb in WebAssembly takes 2 to 4 seconds of CPU (three side by side: 9); copying its result takes 50 ms. So it
// runs once for each installed PGlite version, and every new database starts from the copy. It is kept small, 16 MB
// instead of 40: what is opened in memory is unpacked and copied every time.

/** An initialised, empty database: a data folder to copy, and the same as a tar for databases in memory. */
export type PgliteTemplate = { readonly dataDir: string; readonly tarFile: string }

const entryPoint = fileURLToPath(import.meta.resolve('@electric-sql/pglite'))
const nodeModules = entryPoint.slice(0, entryPoint.lastIndexOf('node_modules') + 'node_modules'.length)

/**
 * The template, built on first use. Safe for several processes at once: one builds, the others wait for it.
 * Undefined where `cache` cannot be written (a read-only installation): callers then start cold.
 */
export async function pgliteTemplate(
  cache = join(nodeModules, ...MADE_ONCE),
): Promise<PgliteTemplate | undefined> {
  const packageFile = join(nodeModules, '@electric-sql', 'pglite', 'package.json')
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string }
  const folder = join(cache, `pglite-${version}-small`)
  const template = { dataDir: join(folder, 'data'), tarFile: join(folder, 'data.tar') }
  return (await madeOnce(folder, build)) ? template : undefined
}

/** Copies the template to `dir`, which appears whole or not at all, readable by its owner only. */
export async function copyTemplate(template: PgliteTemplate, dir: string): Promise<void> {
  const partial = `${dir}.partial-${process.pid}`
  await rm(partial, { recursive: true, force: true })
  await cp(template.dataDir, partial, { recursive: true, mode: constants.COPYFILE_FICLONE })
  await chmod(partial, 0o700)
  await rename(partial, dir)
}

async function build(folder: string): Promise<void> {
  const pglite = await PGlite.create(join(folder, 'data'), { initDbStartParams: ['--wal-segsize=1'] })
  // PGlite opens one database only, and makes no other: nothing is ever copied from these.
  await pglite.exec('update pg_database set datistemplate = false')
  for (const unused of ['template0', 'template1']) await pglite.exec(`drop database ${unused}`)
  await pglite.exec('checkpoint')
  const tar = await pglite.dumpDataDir('none')
  await pglite.close()
  await writeFile(join(folder, 'data.tar'), Buffer.from(await tar.arrayBuffer()))
}
