#!/usr/bin/env node
// The launcher: `node bin/wayleave.mjs <command>` from a clone, under whatever Node (18 or newer) the machine has.
//
// It finds or fetches the project's own Node (.nvmrc), installs the packages when they are missing or
// outdated, has the contracts compiled for the commands that need them, and then runs the command under that
// Node. It depends on nothing, writes nothing to stdout (progress goes to stderr), and passes signals, exit
// codes and death by signal through, so that callers cannot tell it is there.
//
//   node bin/wayleave.mjs sandbox --once        src/cli/main.ts, with these arguments
//   node bin/wayleave.mjs run scripts/x.ts …    a script of the project, with these arguments
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants, homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = readFileSync(join(root, '.nvmrc'), 'utf8').trim().replace(/^v/, '')
const windows = process.platform === 'win32'
const started = Math.round(Date.now() - process.uptime() * 1000)
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Commands that start processes which load the compiled contracts. */
const usesContracts = new Set(['sandbox', 'broker'])

/** Commands that serve the pages. */
const usesPages = new Set(['sandbox'])

/** Commands that load nothing which knows the contracts. */
const needsNoContracts = new Set(['run', 'decide', 'filter'])

const say = (line) => process.stderr.write(`wayleave: ${line}\n`)
const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
const pause = (ms) => new Promise((done) => setTimeout(done, ms))

/** What ends the start with a sentence for the reader instead of a stack. */
class Failure extends Error {}

/** What ends the start because a child did: we end alike. */
class Ended extends Error {
  constructor(how) {
    super()
    this.how = how
  }
}

/** Where the streams of the command itself go, and those of what only prepares for it (stdout stays clean). */
const asOurs = 'inherit'
const aside = ['ignore', 2, 'inherit']

/** A child has no descriptors but those that it is given: also those from which it is told to read a passphrase. */
function streamsFor(args) {
  const named = args.flatMap((arg, i) => {
    const [, inline] = /^--(?:new-)?passphrase-fd(?:=(.*))?$/.exec(arg) ?? []
    return arg.includes('passphrase-fd') ? [Number(inline ?? args[i + 1])] : []
  })
  const numbers = [...named, Number(process.env.WAYLEAVE_KEYS_PASSPHRASE_FD ?? 0)]
  const extra = numbers.filter((fd) => Number.isInteger(fd) && fd > 2 && fd < 64)
  if (extra.length === 0) return asOurs
  const streams = Array.from({ length: Math.max(...extra) + 1 }, (_, fd) => (fd < 3 ? fd : 'ignore'))
  for (const fd of extra) streams[fd] = fd
  return streams
}

/** Runs a program to its end, passing our signals to it. */
function runToEnd(command, args, { env, stdio, cwd }) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      env,
      cwd,
      stdio,
      shell: windows && command !== process.execPath && !command.endsWith('.exe'),
    })
    const pass = Object.fromEntries(signals.map((signal) => [signal, () => child.kill(signal)]))
    for (const signal of signals) process.on(signal, pass[signal])
    const release = () => {
      for (const signal of signals) process.off(signal, pass[signal])
    }
    child.on('error', (error) => {
      release()
      failed(error)
    })
    child.on('exit', (code, signal) => {
      release()
      done({ code, signal })
    })
  })
}

/** Ends this process the way the child ended: same code, or by the same signal. */
function endLike({ code, signal }) {
  if (signal) {
    process.kill(process.pid, signal)
    // Reached only where the signal is ignored, as for process 1 of a container: the shell's convention.
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100)
    return
  }
  process.exit(code ?? 1)
}

// --- the project's Node -------------------------------------------------------------------------------------

const sameMinor = (version) =>
  version.split('.').slice(0, 2).join('.') === wanted.split('.').slice(0, 2).join('.')
const versionOf = (binary) =>
  String(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout ?? '')
    .trim()
    .replace(/^v/, '')

function userCache() {
  if (process.env.XDG_CACHE_HOME) return join(process.env.XDG_CACHE_HOME, 'wayleave')
  if (windows && process.env.LOCALAPPDATA) return join(process.env.LOCALAPPDATA, 'wayleave')
  return join(homedir(), '.cache', 'wayleave')
}
const nodeNote = join(userCache(), `node-${wanted}-${process.platform}-${process.arch}.path`)

/** The project's Node if it is at hand: the running one, or the one found at an earlier start. */
function nodeAtHand() {
  if (sameMinor(process.versions.node)) return process.execPath
  const noted = read(nodeNote)?.trim()
  return noted && existsSync(noted) && sameMinor(versionOf(noted)) ? noted : undefined
}

/**
 * Has npm fetch the project's Node and notes where the binary lies. The binary is started directly later on:
 * what is started through npx outlives npx and never hears of its signals.
 */
function fetchNode() {
  say(`fetching Node ${wanted} (this machine runs ${process.versions.node}); needed once …`)
  const asked = spawnSync('npx', ['-y', '-p', `node@${wanted}`, 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
  })
  const binary = (asked.stdout ?? '').trim().split('\n').pop()?.trim()
  if (asked.status !== 0 || !binary || !sameMinor(versionOf(binary))) {
    throw new Failure(
      `Node ${wanted} could not be fetched by npx. Check the network and npm's registry setting, ` +
        `or install Node ${wanted} and start again with it.`,
    )
  }
  try {
    mkdirSync(dirname(nodeNote), { recursive: true })
    writeFileSync(nodeNote, `${binary}\n`)
  } catch {
    // A home that cannot be written to: npx is asked again at the next start.
  }
  return binary
}

// --- packages -----------------------------------------------------------------------------------------------

const lockfile = join(root, 'package-lock.json')
const installed = join(root, 'node_modules', '.package-lock.json')
const stamp = join(root, 'node_modules', '.cache', 'wayleave', 'installed')

const stampWanted = () =>
  createHash('sha256')
    .update(readFileSync(lockfile))
    .update(`\n${wanted}\n${process.platform}-${process.arch}\n`)
    .digest('hex')

function writeStamp() {
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, stampWanted())
}

/** Whether a lockfile's entry belongs on this machine: npm leaves other platforms' binaries out. */
function fitsMachine(entry) {
  const fits = (list, value) =>
    !list || list.includes(value) || (list[0].startsWith('!') && !list.includes(`!${value}`))
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc'
  return fits(entry.os, process.platform) && fits(entry.cpu, process.arch) && fits(entry.libc, libc)
}

/**
 * What the lockfile names and node_modules does not hold in that version. An installation made under an older
 * Node lacks native packages, which are optional to npm and not to us: those that fit this machine count.
 */
function missingPackages() {
  const { packages } = JSON.parse(readFileSync(lockfile, 'utf8'))
  const missing = Object.entries(packages).filter(([path, entry]) => {
    if (path === '' || entry.link) return false
    if (entry.optional && !((entry.os || entry.cpu) && fitsMachine(entry))) return false
    const there = read(join(root, path, 'package.json'))
    return there === undefined || JSON.parse(there).version !== entry.version
  })
  return missing.map(([path]) => path)
}

function packagesReady() {
  if (!existsSync(installed)) return false
  if (read(stamp) === stampWanted()) return true
  // Someone ran npm: what is whole is taken as it is.
  if (missingPackages().length > 0) return false
  writeStamp()
  return true
}

/** Has npm bring node_modules up to what the lockfile says. */
async function runNpm(env) {
  // The running Node decides which native packages npm installs, so npm must run under the project's. Not
  // `npm ci`: it refuses a lockfile without the other platforms' packages, which some mirrors do not carry.
  const args = ['install', '--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  const ended = await runToEnd('npm', args, { env, stdio: aside, cwd: root })
  if (ended.signal) throw new Ended(ended)
  if (ended.code !== 0)
    throw new Failure(`npm install failed (exit code ${ended.code}); what it said is above.`)
}

async function installPackages(env) {
  say('installing packages; needed once, and after updates …')
  const since = Date.now()
  // npm writes its note last, so with it there is a whole installation, to be updated. Without it, one was cut
  // short, and what it left is not to be trusted; nor is what an update leaves when it is not what was asked for.
  if (existsSync(installed)) await runNpm(env)
  if (!existsSync(installed) || missingPackages().length > 0) {
    rmSync(join(root, 'node_modules'), { recursive: true, force: true })
    await runNpm(env)
  }
  writeStamp()
  for (const path of missingPackages()) say(`npm left out ${path}; what needs it will fail`)
  say(`packages installed in ${Math.round((Date.now() - since) / 1000)} s`)
}

// --- one start at a time prepares ---------------------------------------------------------------------------

const lock = join(root, 'cache', 'prepare.lock')

function holderOfLock() {
  const pid = Number(read(join(lock, 'pid')))
  if (!pid)
    return Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 10_000 ? -1 : undefined
  try {
    process.kill(pid, 0)
    return pid
  } catch (error) {
    return error.code === 'EPERM' ? pid : undefined
  }
}

/** Two starts on a fresh clone must not install over each other: the second waits for the first. */
async function withLock(work) {
  mkdirSync(dirname(lock), { recursive: true })
  for (let told = false; ; await pause(200)) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = holderOfLock()
    if (holder === undefined) {
      // Its holder died. Renaming is atomic: of several that see this, one removes it.
      const stale = `${lock}.${process.pid}`
      try {
        renameSync(lock, stale)
        rmSync(stale, { recursive: true, force: true })
      } catch {}
      continue
    }
    if (!told) say('another start is preparing this clone; waiting for it …')
    told = true
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

// --- the start ----------------------------------------------------------------------------------------------

/**
 * The environment in which everything of the project runs: its Node comes first on the path, and programs that
 * report how long they took from the start of the command find that moment (milliseconds since 1970).
 */
function environment(node) {
  const path = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH'
  return {
    ...process.env,
    [path]: `${dirname(node)}${delimiter}${process.env[path] ?? ''}`,
    WAYLEAVE_STARTED: String(started),
    // Each start, and each restart of a broker, then compiles nothing that was compiled before: half its processor time.
    NODE_COMPILE_CACHE:
      process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'wayleave', 'compiled'),
  }
}

const contractsScript = join(root, 'scripts', 'contracts.ts')
const pagesScript = join(root, 'scripts', 'pages.ts')

/** Compiles the contracts unless the compiled ones are up to date; scripts/contracts.ts knows. */
async function compileContracts(node) {
  const ended = await runToEnd(node, [contractsScript], { env: environment(node), stdio: aside, cwd: root })
  if (ended.signal) throw new Ended(ended)
  if (ended.code !== 0)
    throw new Failure('the contracts could not be compiled; what the compiler said is above.')
}

/** Builds the pages unless they are up to date; scripts/pages.ts knows. */
async function buildPages(node) {
  const ended = await runToEnd(node, [pagesScript], { env: environment(node), stdio: aside, cwd: root })
  if (ended.signal) throw new Ended(ended)
  if (ended.code !== 0) throw new Failure('the pages could not be built; what the builder said is above.')
}

async function main([command, ...rest]) {
  if (command === 'run' && !rest[0])
    throw new Failure('run what? Say: node bin/wayleave.mjs run scripts/NAME.ts')
  const target =
    command === 'run'
      ? [resolve(root, rest[0]), ...rest.slice(1)]
      : [join(root, 'src', 'cli', 'main.ts'), ...process.argv.slice(2)]
  // Compiling is done here in any case, under the lock, also when that is all that is asked for. A script brings its
  // own needs; any other command needs the contracts to have been compiled once.
  const compileOnly = command === 'run' && target[0] === contractsScript
  const compile =
    compileOnly ||
    usesContracts.has(command) ||
    (!needsNoContracts.has(command) && !existsSync(join(root, 'types')))

  const buildOnly = command === 'run' && target[0] === pagesScript
  const build = buildOnly || usesPages.has(command)

  let node = nodeAtHand()
  if (!node || !packagesReady() || compile || build) {
    await withLock(async () => {
      node = nodeAtHand() ?? fetchNode()
      if (!packagesReady()) await installPackages(environment(node))
      if (compile) await compileContracts(node)
      if (build) await buildPages(node)
    })
  }
  if (compileOnly || buildOnly) return
  endLike(await runToEnd(node, target, { env: environment(node), stdio: streamsFor(target) }))
}

main(process.argv.slice(2)).catch((error) => {
  if (error instanceof Ended) return endLike(error.how)
  say(error instanceof Failure ? error.message : (error?.stack ?? String(error)))
  process.exit(1)
})
