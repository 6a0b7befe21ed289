import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely } from 'kysely'
import type { Database } from '../database.ts'
import { lockFolder } from '../folder-lock.ts'
import { pgliteDialect } from './pglite-driver.ts'
import { copyTemplate, type PgliteTemplate, pgliteTemplate } from './pglite-template.ts'
import { valueParsers } from './value-types.ts'

/** 16 MB of buffers. PostgreSQL's own 128 MB would be laid out and looked through for a database that is in memory anyhow. */
const SMALL = ['-B', '2048']

/**
 * Opens PGlite in memory. Everything is gone when it is closed.
 * @param dump what a database dumped (`dumpPglite`), to begin with that; an empty one unless given
 */
export async function openPgliteInMemory(dump?: Blob): Promise<Database> {
  const template = dump ? undefined : await pgliteTemplate()
  const loadDataDir = dump ?? (template && new Blob([await readFile(template.tarFile)]))
  const startParams = [...PGlite.defaultStartParams, ...SMALL]
  const pglite = await PGlite.create({
    parsers: valueParsers,
    startParams,
    ...(loadDataDir && { loadDataDir }),
  })
  return asDatabase(pglite, () => {})
}

/** An empty database in memory, as `prepare` leaves it, as bytes from which others can begin. */
export async function dumpPglite(prepare: (db: Database['db']) => Promise<void>): Promise<Blob> {
  const template = await pgliteTemplate()
  const loadDataDir = template && new Blob([await readFile(template.tarFile)])
  const pglite = await PGlite.create({ parsers: valueParsers, ...(loadDataDir && { loadDataDir }) })
  const database = await asDatabase(pglite, () => {})
  try {
    await prepare(database.db)
    await pglite.exec('checkpoint')
    return await pglite.dumpDataDir('none')
  } finally {
    await database.close()
  }
}

/**
 * Opens PGlite on the folder `dir`, made with its parents when absent. An acknowledged commit survives the death of
 * the process (SIGKILL); PGlite cannot flush the disk's own cache, so a power cut may take the last moments.
 * @throws FolderInUseError when a live process has the folder open: PGlite itself would accept that, and corrupt it.
 */
export async function openPgliteOnDisk(folder: string): Promise<Database> {
  const dir = resolve(folder)
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 })
  const lock = lockFolder(`${dir}.lock`)
  try {
    const template = await pgliteTemplate()
    await prepareFolder(dir, template)
    const pglite = await PGlite.create({ dataDir: dir, parsers: valueParsers })
    return await asDatabase(pglite, () => lock.release())
  } catch (error) {
    lock.release()
    throw error
  }
}

async function prepareFolder(dir: string, template: PgliteTemplate | undefined): Promise<void> {
  const entries: string[] = await readdir(dir).catch(() => [])
  if (entries.length === 0) {
    if (template !== undefined) return copyTemplate(template, dir)
    await mkdir(dir, { recursive: true, mode: 0o700 })
    return chmod(dir, 0o700)
  }
  if (!entries.includes('PG_VERSION')) {
    throw new Error(`${dir} is not empty and is not a database: choose another folder`)
  }
  if (template === undefined) return
  const [found, expected] = await Promise.all([majorVersion(dir), majorVersion(template.dataDir)])
  if (found !== expected) {
    throw new Error(
      `${dir} was written by PostgreSQL ${found}; this PGlite reads ${expected}: export and import it`,
    )
  }
}

async function majorVersion(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim()
}

/**
 * Nothing gathers statistics in PGlite, so its planner takes every table for a small one, and reads it whole, however long it
 * has become. Whatever is asked often here has an index; so it is told to look for that first.
 */
const PLANNER = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin']
  .map((way) => `set enable_${way} = off`)
  .join(';')

async function asDatabase(pglite: PGlite, afterClose: () => void): Promise<Database> {
  await pglite.exec(PLANNER)
  const db: Database['db'] = new Kysely({ dialect: pgliteDialect(pglite) })
  let closing: Promise<void> | undefined
  return {
    db,
    kind: 'pglite',
    async listen(channel, onNotification) {
      const unlisten = await pglite.listen(channel, onNotification)
      return () => unlisten()
    },
    close() {
      closing ??= (async () => {
        try {
          await db.destroy()
          // Kysely leaves an instance that it never used open.
          if (!pglite.closed) await pglite.close()
        } finally {
          afterClose()
        }
      })()
      return closing
    },
  }
}
