/**
 * Compiles the contracts and generates `types/`, when something they are made from has changed.
 *
 *   node bin/wayleave.mjs run scripts/contracts.ts
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = join(root, 'cache', 'contracts.sha256')
const typesFolder = join(root, 'types')

/**
 * Makes sure that `types/` and `artifacts/` are those of the present sources. Takes a few seconds when they are not,
 * and some milliseconds when they are. Never to be run beside itself: Hardhat keeps no lock.
 *
 * @param opts.log hears one line when there is something to do, and what the compiler says
 * @throws Error when the compiler fails
 */
export async function ensureContracts(opts: { log?: (line: string) => void } = {}): Promise<void> {
  const log = opts.log ?? (() => {})
  const stamp = await sourcesHash()
  const known = await readFile(stampFile, 'utf8').catch(() => '')
  if (known === stamp && existsSync(join(typesFolder, 'factories'))) return

  log('Compiling the contracts')
  // Files of contracts that are gone would stay behind.
  await rm(typesFolder, { recursive: true, force: true })
  await hardhatBuild(log)
  await mkdir(dirname(stampFile), { recursive: true })
  await writeFile(stampFile, stamp)
}

/** SHA-256 over the names and bytes of everything that the compiler's output depends on. */
async function sourcesHash(): Promise<string> {
  const files = ['hardhat.config.ts', 'package-lock.json']
  for await (const file of glob('contracts/**/*.sol', { cwd: root })) files.push(file)
  const hash = createHash('sha256')
  for (const file of files.sort()) {
    const bytes = await readFile(join(root, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

/** Runs Hardhat itself, not npx, so that signals reach it. */
function hardhatBuild(log: (line: string) => void): Promise<void> {
  const cli = join(root, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js')
  const child = spawn(process.execPath, [cli, 'build', '--no-tests'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.push(text)
      for (const line of text.split('\n')) if (line.trim() !== '') log(line)
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`hardhat build failed (${code ?? 'killed'}):\n${output.join('')}`))
    })
  })
}

if (import.meta.main) await ensureContracts({ log: (line) => process.stderr.write(`${line}\n`) })
