import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const launcher = join(root, 'bin', 'wayleave.mjs')
const folder = mkdtempSync(join(tmpdir(), 'wayleave-launcher-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

function ended(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('started without pipes')
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((done) => {
    child.on('exit', (code, signal) => done([code, signal]))
  })
  return Promise.all([exit, text(stdout), text(stderr)]).then(([[code, signal], out, err]) => ({
    code,
    signal,
    stdout: out,
    stderr: err,
  }))
}

/** A script of one's own in TypeScript, so that running it shows which Node runs it. */
function script(name: string, source: string): string {
  const path = join(folder, name)
  writeFileSync(path, source)
  return path
}

const start = (...args: string[]) => spawn(process.execPath, [launcher, ...args], { cwd: tmpdir() })

describe('the launcher', () => {
  test('runs TypeScript under the Node that the project names, and adds nothing to stdout', async () => {
    const path = script(
      'hello.ts',
      'const words: string[] = process.argv.slice(2)\nconsole.log(process.version, words.join("+"))\n',
    )
    const { code, stdout } = await ended(start('run', path, 'a b', '--json'))
    const wanted = readFileSync(join(root, '.nvmrc'), 'utf8').trim()
    expect(stdout).toBe(`v${wanted} a b+--json\n`)
    expect(code).toBe(0)
  })

  test('hands its standard input on', async () => {
    const path = script('cat.ts', 'process.stdin.pipe(process.stdout)\n')
    const child = start('run', path)
    child.stdin?.end('twelve words')
    expect((await ended(child)).stdout).toBe('twelve words')
  })

  test('hands on the descriptor from which a passphrase is to be read, and no other', async () => {
    const path = script(
      'fds.ts',
      'import { readFileSync } from "node:fs"\nfor (const fd of [3, 5]) try { console.log(readFileSync(fd, "utf8")) } catch (e) { console.log(String((e as Error & { code: string }).code)) }\n',
    )
    writeFileSync(join(folder, 'three'), 'three')
    writeFileSync(join(folder, 'five'), 'five')
    const [three, five] = ['three', 'five'].map((name) => openSync(join(folder, name), 'r'))
    const child = spawn(process.execPath, [launcher, 'run', path, '--passphrase-fd', '5'], {
      stdio: ['ignore', 'pipe', 'pipe', three, 'ignore', five],
    })
    const { stdout } = await ended(child)
    expect(stdout.split('\n')[1]).toBe('five')
    expect(stdout).not.toContain('three')
  })

  test('ends with the exit code of what it ran', async () => {
    expect((await ended(start('run', script('seven.ts', 'process.exit(7)\n')))).code).toBe(7)
  })

  test('dies of the signal that killed what it ran', async () => {
    const { code, signal } = await ended(
      start('run', script('killed.ts', "process.kill(process.pid, 'SIGKILL')\nsetTimeout(() => {}, 5000)\n")),
    )
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'passes %s on and waits for the answer',
    async (signal) => {
      const child = start(
        'run',
        script(
          `${signal}.ts`,
          `process.on('${signal}', () => { console.log('closing'); setTimeout(() => process.exit(3), 100) })
         setInterval(() => {}, 1000)
         console.log('ready')\n`,
        ),
      )
      child.stdout?.once('data', () => child.kill(signal))
      expect(await ended(child)).toMatchObject({ code: 3, signal: null, stdout: 'ready\nclosing\n' })
    },
  )

  test('says on stderr, in one line, what is missing from the command', async () => {
    const { code, stdout, stderr } = await ended(start('run'))
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'wayleave: run what? Say: node bin/wayleave.mjs run scripts/NAME.ts\n',
    })
  })
})

describe('on a fresh clone', () => {
  // A clone in small: the real launcher and the real npm, with one package that needs no network.
  const clone = join(folder, 'clone')
  const npmRuns = join(folder, 'npm-runs')
  const tools = join(folder, 'tools')
  const env = { ...process.env, PATH: `${tools}:${process.env.PATH}` }
  const begin = () =>
    spawn(process.execPath, [join(clone, 'bin', 'wayleave.mjs'), 'run', 'hello.ts'], { cwd: clone, env })

  /** Makes the lockfile name this version of the package, as an update of the clone would. */
  async function lockBrick(version: string): Promise<void> {
    const manifest = { name: 'brick', version, main: 'x.js' }
    writeFileSync(join(clone, 'brick', 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(clone, 'brick', 'x.js'), `module.exports = 'brick ${version}'\n`)
    await ended(spawn('npm', ['pack', './brick'], { cwd: clone }))
    const dependencies = { brick: `file:brick-${version}.tgz` }
    writeFileSync(
      join(clone, 'package.json'),
      JSON.stringify({ name: 'small', type: 'module', dependencies }),
    )
    await ended(spawn('npm', ['install', '--package-lock-only', '--offline'], { cwd: clone }))
  }

  beforeAll(async () => {
    mkdirSync(join(clone, 'brick'), { recursive: true })
    cpSync(launcher, join(clone, 'bin', 'wayleave.mjs'))
    cpSync(join(root, '.nvmrc'), join(clone, '.nvmrc'))
    writeFileSync(join(clone, 'hello.ts'), "import brick from 'brick'\nconsole.log(brick)\n")
    await lockBrick('1.0.0')
    // Counts the runs of npm, then is npm.
    const npm = process.env.PATH?.split(':')
      .map((dir) => join(dir, 'npm'))
      .find((path) => existsSync(path))
    mkdirSync(tools)
    writeFileSync(join(tools, 'npm'), `#!/bin/sh\necho "$@" >> ${npmRuns}\nexec ${npm} "$@"\n`)
    chmodSync(join(tools, 'npm'), 0o755)
  })

  const runsOfNpm = () => readFileSync(npmRuns, 'utf8').trim().split('\n').length

  test('two starts at once install once, and both run, with progress on stderr only', async () => {
    const both = await Promise.all([ended(begin()), ended(begin())])
    for (const { code, stdout } of both)
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'brick 1.0.0\n' })
    expect(both.map(({ stderr }) => stderr).join('')).toContain('wayleave: installing packages')
    expect(runsOfNpm()).toBe(1)
  })

  test('a later start installs nothing', async () => {
    expect(await ended(begin())).toMatchObject({ code: 0, stdout: 'brick 1.0.0\n', stderr: '' })
    expect(runsOfNpm()).toBe(1)
  })

  test('an installation cut short is made anew, also when the start that made it died holding the lock', async () => {
    rmSync(join(clone, 'node_modules'), { recursive: true })
    mkdirSync(join(clone, 'cache', 'prepare.lock'), { recursive: true })
    const dead = spawn(process.execPath, ['-e', ''])
    await ended(dead)
    writeFileSync(join(clone, 'cache', 'prepare.lock', 'pid'), String(dead.pid))
    expect(await ended(begin())).toMatchObject({ code: 0, stdout: 'brick 1.0.0\n' })
    expect(runsOfNpm()).toBe(2)
  })

  test('an updated lockfile is installed at the next start, which leaves the lockfile as it is', async () => {
    await lockBrick('2.0.0')
    const lock = readFileSync(join(clone, 'package-lock.json'), 'utf8')
    expect(await ended(begin())).toMatchObject({ code: 0, stdout: 'brick 2.0.0\n' })
    expect(readFileSync(join(clone, 'package-lock.json'), 'utf8')).toBe(lock)
  })

  test('what someone installed with npm alone is taken as it is when it is what the lockfile says', async () => {
    await lockBrick('1.0.0')
    rmSync(join(clone, 'node_modules'), { recursive: true })
    await ended(spawn('npm', ['install', '--offline'], { cwd: clone }))
    const runs = runsOfNpm()
    expect(await ended(begin())).toMatchObject({ code: 0, stdout: 'brick 1.0.0\n', stderr: '' })
    expect(runsOfNpm()).toBe(runs)
  })

  test('a failed installation ends with an error and its reason', async () => {
    rmSync(join(clone, 'node_modules'), { recursive: true })
    writeFileSync(join(clone, 'package.json'), 'not a package')
    const { code, stdout, stderr } = await ended(begin())
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('wayleave: npm install failed')
  })
})
