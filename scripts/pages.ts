/**
 * Builds the portal and the console into `dist/web`, when something they are made from has changed, compresses each file beside
 * it, and says the SHA-256 of all of it: the same sources give the same sum on every machine.
 *
 *   node bin/wayleave.mjs run scripts/pages.ts
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

const here = fileURLToPath(new URL('..', import.meta.url))
const APPLICATIONS = ['portal', 'console']

/** What is built: for each application its folder and the sum over the names and bytes of its files. */
export type Built = { application: string; dir: string; sha256: string }

/**
 * Makes sure that `dist/web` is what the present sources give.
 * @param opts.root the folder that holds `src` and `node_modules`; this one unless given
 * @param opts.log hears one line when there is something to do
 * @throws Error when the build fails
 */
export async function ensurePages(
  opts: { root?: string; log?: (line: string) => void } = {},
): Promise<Built[]> {
  const root = opts.root ?? here
  const stampFile = join(root, 'cache', 'pages.sha256')
  const stamp = await sumOf(root, [
    'package-lock.json',
    'scripts/pages.ts',
    ...(await filesOf(root, 'src/{web,patient,domain}/**/*.*')),
  ])
  const known = await readFile(stampFile, 'utf8').catch(() => '')
  const dirs = APPLICATIONS.map((application) => join(root, 'dist', 'web', application))
  if (known !== stamp || !dirs.every((dir) => existsSync(dir))) {
    opts.log?.('Building the pages')
    const { build } = await import('vite')
    const configFile = join(root, 'src', 'web', 'vite.config.ts')
    // A test that has them built is no reason to build them for tests: Vite believes the variable.
    const { NODE_ENV } = process.env
    process.env.NODE_ENV = 'production'
    for (const mode of APPLICATIONS) await build({ configFile, mode, logLevel: 'error' })
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
    for (const dir of dirs) await compress(dir)
    await mkdir(dirname(stampFile), { recursive: true })
    await writeFile(stampFile, stamp)
  }
  return Promise.all(
    APPLICATIONS.map(async (application) => {
      const dir = join(root, 'dist', 'web', application)
      const files = (await filesOf(dir, '**/*.*')).filter((file) => !file.endsWith('.br'))
      return { application, dir, sha256: await sumOf(dir, files) }
    }),
  )
}

async function filesOf(cwd: string, pattern: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(pattern, { cwd })) files.push(file)
  return files
}

async function sumOf(cwd: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const file of [...files].sort()) {
    const bytes = await readFile(join(cwd, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

const brotli = promisify(brotliCompress)

async function compress(dir: string): Promise<void> {
  for (const file of await filesOf(dir, '**/*.{js,css,html,svg,json}')) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
    await writeFile(join(dir, `${file}.br`), await brotli(await readFile(join(dir, file)), { params }))
  }
}

if (import.meta.main) {
  const log = (line: string) => process.stderr.write(`${line}\n`)
  for (const { application, dir, sha256 } of await ensurePages({ log }))
    log(`${application}: ${dir}, ${sha256}`)
}
