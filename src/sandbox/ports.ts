import { randomInt } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { FolderInUseError, lockFolder } from '../store/folder-lock.ts'

/** Below what systems give to outgoing connections, so that a port left for a moment is not lent to one of those. */
const LOWEST = 15_000
/** Each process hands out ports of slices that are its own: two processes never find the same one free. */
const [SLICES, SLICE] = [170, 100]

/** Of this process's slices, what nobody was handed yet. */
let left: number[] = []

/**
 * A port of 127.0.0.1 that is free now: the wanted one where possible. No other process of this user is handed it as long
 * as this one lives, since seconds may pass before anybody listens there.
 */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await isFree(wanted))) {
    left = left.filter((port) => port !== wanted)
    return wanted
  }
  for (;;) {
    const port = left.pop()
    if (port === undefined) takeSlice()
    else if (await isFree(port)) return port
  }
}

function takeSlice(): void {
  const dir = join(tmpdir(), `wayleave-ports-${userInfo().uid}`)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const first = randomInt(SLICES)
  for (let i = 0; i < SLICES; i++) {
    const slice = (first + i) % SLICES
    try {
      // Never released: once the process is dead, the next one finds that out.
      lockFolder(join(dir, `${slice}.lock`))
      left = Array.from({ length: SLICE }, (_, port) => LOWEST + slice * SLICE + port)
      return
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error
    }
  }
  throw new Error('No port of 127.0.0.1 is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}
