import { spawn } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './documents.ts'

/** A block of shell of a page, the answer that the page shows after it, and what it printed. */
type Ran = { command: string; shown?: { kind: string; text: string }; printed: string }

/** Each block of shell of a page in its order, with the block of JSON or text that follows it, if any. */
function blocksOf(page: string): Omit<Ran, 'printed'>[] {
  const all = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind = '', text = '']) => ({
    kind,
    text,
  }))
  return all.flatMap(({ kind, text }, i) => {
    if (kind !== 'sh' || text.startsWith('npm start')) return []
    const next = all[i + 1]
    return [{ command: text, ...(next && ['json', 'text'].includes(next.kind) ? { shown: next } : {}) }]
  })
}

const MARK = '── end of a block ──'

/**
 * Runs the blocks of a page in one shell, one after another as a reader would type them, in a folder of its own.
 * @throws Error that names the block in which a command failed, with what it said.
 */
export async function runPage(page: string, folder: string, env: Record<string, string>): Promise<Ran[]> {
  // The commands of the page are those of the project's folder.
  symlinkSync(join(root, 'bin'), join(folder, 'bin'))
  const blocks = blocksOf(page)
  const lines = blocks.map(({ command }) => `${command}\nprintf '%s\\n' '${MARK}'`)
  const shell = spawn('bash', ['-c', ['set -euo pipefail', ...lines].join('\n')], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  shell.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const code = await new Promise((done) => shell.on('exit', done))
  const parts = out.split(`${MARK}\n`)
  if (code !== 0) {
    const failed = blocks[parts.length - 1]?.command ?? ''
    throw new Error(`A block failed (${String(code)}):\n${failed}\n${parts.at(-1)}\n${err.slice(-2_000)}`)
  }
  return blocks.map((block, i) => ({ ...block, printed: parts[i] ?? '' }))
}

/** A text without what differs from run to run: ports, ids, hashes, instants. */
const bare = (text: string) =>
  text
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/[0-9a-f]{32,64}/g, 'HEX')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')

/** What of an answer is not as a page shows it, by path. A page may leave out; `…` stands for any text. */
export function unlike(shown: unknown, given: unknown, path = ''): string[] {
  if (typeof shown === 'string' && typeof given === 'string')
    return shown === '…' || bare(shown) === bare(given) ? [] : [`${path}: ${shown} is ${given}`]
  if (typeof shown !== 'object' || shown === null || typeof given !== 'object' || given === null)
    return shown === given ? [] : [`${path}: ${JSON.stringify(shown)} is ${JSON.stringify(given)}`]
  return Object.entries(shown).flatMap(([name, value]) =>
    unlike(value, (given as Record<string, unknown>)[name], `${path}/${name}`),
  )
}

/** The same for text, line by line. */
export function unlikeText(shown: string, printed: string): string[] {
  const [lines, given] = [shown.trim().split('\n'), printed.trim().split('\n')]
  if (given.length !== lines.length) return [`${lines.length} lines are ${printed}`]
  return lines.flatMap((line, i) => (bare(line) === bare(given[i] ?? '') ? [] : [`${line} is ${given[i]}`]))
}
