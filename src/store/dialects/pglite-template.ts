import { constants } from 'node:fs'
import { access, chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { FolderInUseError, type FolderLock, lockFolder } from './folder-lock.ts'

// initdb in WebAssembly takes 2 to 4 seconds of CPU (three side by side: 9); copying its result takes 50 ms. So it
// runs once for each installed PGlite version, and every new database starts from the copy.

/** An initialised, empty database: a data folder to copy, and the same as a tar for databases in memory. */
export type PgliteTemplate = { readonly dataDir: string; readonly tarFile: string }

const entryPoint = fileURLToPath(import.meta.resolve('@electric-sql/pglite'))
const nodeModules = entryPoint.slice(0, entryPoint.lastIndexOf('node_modules') + 'node_modules'.length)

/**
 * The template, built on first use. Safe for several processes at once: one builds, the others wait for it.
 * Undefined where `cache` cannot be written (a read-only installation): callers then start cold.
 */
export async function pgliteTemplate(
  cache = join(nodeModules, '.cache', 'wayleave'),
): Promise<PgliteTemplate | undefined> {
  const packageFile = join(nodeModules, '@electric-sql', 'pglite', 'package.json')
  const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version: string }
  const folder = join(cache, `pglite-${version}`)
  const template = { dataDir: join(folder, 'data'), tarFile: join(folder, 'data.tar') }
  if (await exists(folder)) return template
  try {
    await mkdir(cache, { recursive: true })
    await access(cache, constants.W_OK)
  } catch {
    return undefined
  }
  const lock = await waitForLock(`${folder}.lock`, folder)
  try {
    if (!(await exists(folder))) await build(folder)
  } finally {
    lock?.release()
  }
  return template
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
  const partial = `${folder}.partial-${process.pid}`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  const pglite = await PGlite.create(join(partial, 'data'))
  await pglite.exec('checkpoint')
  const tar = await pglite.dumpDataDir('none')
  await pglite.close()
  await writeFile(join(partial, 'data.tar'), Buffer.from(await tar.arrayBuffer()))
  await rename(partial, folder)
}

async function waitForLock(path: string, until: string): Promise<FolderLock | undefined> {
  for (;;) {
    try {
      return lockFolder(path)
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error
    }
    if (await exists(until)) return undefined
    await sleep(50)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
