import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'

/** Somebody alive holds the folder. */
export class FolderInUseError extends Error {
  readonly code = 'FOLDER_IN_USE'
  constructor(path: string, pid: string) {
    super(`${path} is in use by process ${pid}: stop it first, or choose another folder`)
    this.name = 'FolderInUseError'
  }
}

export type FolderLock = { release(): void }

/**
 * Takes the lock file `path` for this process, replacing one whose process is dead.
 * The file holds `pid start nonce`; the start time tells a recycled pid (usual in containers) from its former owner.
 * @throws FolderInUseError while a live process, this one included, holds it.
 */
export function lockFolder(path: string): FolderLock {
  const mine = `${process.pid} ${startTime(process.pid) ?? '-'} ${randomUUID()}\n`
  // Written aside and then linked, so that nobody ever sees the lock file empty and takes it for a dead one.
  const written = `${path}.${randomUUID()}`
  writeFileSync(written, mine, { flag: 'wx', mode: 0o600 })
  try {
    for (;;) {
      try {
        linkSync(written, path)
        return { release: () => releaseIfOurs(path, mine) }
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error
      }
      const held = readIfThere(path)
      if (held === undefined) continue
      if (isAlive(held)) throw new FolderInUseError(path.replace(/\.lock$/, ''), held.split(' ')[0] ?? '?')
      removeStale(path, held)
    }
  } finally {
    unlinkSync(written)
  }
}

// Two processes may find the same stale file. Moving it aside, then looking at what was moved, keeps the slower one
// from throwing away the lock that the faster one has just taken.
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${randomUUID()}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  try {
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    unlinkSync(aside)
  }
}

function releaseIfOurs(path: string, mine: string): void {
  if (readIfThere(path) === mine) unlinkSync(path)
}

function isAlive(held: string): boolean {
  const [pidText, start] = held.trim().split(' ')
  const pid = Number(pidText)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false
  }
  const now = startTime(pid)
  return now === undefined || start === '-' || now === start
}

/** Start of a process in clock ticks since boot, with the boot's own id; undefined where /proc does not tell. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    // The command name, in parentheses, may hold spaces: count fields from the last one. Field 22 is the start.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return ticks === undefined ? undefined : `${ticks}@${boot}`
  } catch {
    return undefined
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
