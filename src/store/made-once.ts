import { constants } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FolderInUseError, type FolderLock, lockFolder } from './folder-lock.ts'

/** Below `node_modules`: where things are kept that take long to make and are the same every time. */
export const MADE_ONCE = ['.cache', 'wayleave'] as const

/**
 * Makes a folder unless it is there, which appears whole or not at all. Safe for several processes at once: one makes
 * it, the others wait. False where the folder above cannot be written, as in a read-only installation.
 */
export async function madeOnce(folder: string, make: (partial: string) => Promise<void>): Promise<boolean> {
  if (await exists(folder)) return true
  try {
    await mkdir(dirname(folder), { recursive: true })
    await access(dirname(folder), constants.W_OK)
  } catch {
    return false
  }
  const lock = await waitForLock(`${folder}.lock`, folder)
  try {
    if (await exists(folder)) return true
    const partial = `${folder}.partial-${process.pid}`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial)
    await make(partial)
    await rename(partial, folder)
  } finally {
    lock?.release()
  }
  return true
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
