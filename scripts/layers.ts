/**
 * Holds the layer rule: imports go cli → processes → adapters → domain, never up, and never sideways between
 * processes save to what one of them offers to the others, its composition file.
 *
 *   node bin/wayleave.mjs run scripts/layers.ts
 */
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'

/** From the top down: a file may import from its own layer and from those below it. */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'],
  ['sandbox', 'broker', 'indexer', 'relayer', 'web'],
  ['chain', 'fhir', 'store', 'exchange', 'patient', 'outward', 'observe', 'turns', 'pages', 'messages'],
  ['domain'],
]
const PROCESSES = LAYERS[1] ?? []

/** What a browser can load: pages know nothing of databases and nodes. */
const FOR_PAGES = ['web', 'patient', 'domain']

/** Which process composes which others in its own OS process, through `index.ts` or the file of its name. */
const COMPOSES: Readonly<Record<string, readonly string[]>> = {
  broker: ['indexer', 'relayer'],
  sandbox: ['broker', 'indexer', 'relayer'],
}

/** Domain code does no I/O and draws no random numbers; what these offer beyond that is judged in review. */
const NODE_IN_DOMAIN = ['node:buffer', 'node:crypto']

export type Violation = { file: string; line: number; imports: string; why: string }

type Import = { line: number; specifier: string }

/** The specifiers that a module imports, statically or dynamically, types included. */
function importsOf(source: string): Import[] {
  return source.split('\n').flatMap((text, index) => {
    if (/^\s*(\/\/|\*|\/\*)/.test(text)) return []
    const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)
    return [...found].map(([, specifier = '']) => ({ line: index + 1, specifier }))
  })
}

const layerOf = (part: string) => LAYERS.findIndex((parts) => parts.includes(part))

/** Why a file of `from` may not import `target`, a path below `src`; undefined when it may. */
function whyNot(from: string, target: string): string | undefined {
  const [to = ''] = target.split('/')
  if (layerOf(to) < 0) return `src/${to} is in no layer; scripts/layers.ts names them`
  if (layerOf(to) < layerOf(from)) return `${from} lies below ${to}: imports never go up`
  if (from === 'web' && !FOR_PAGES.includes(to)) return `pages may use ${FOR_PAGES.join(', ')} only`
  if (from === to || !PROCESSES.includes(from) || !PROCESSES.includes(to)) return undefined
  if (!COMPOSES[from]?.includes(to)) return `${from} and ${to} are processes of their own: never sideways`
  const offered = [`${to}/index.ts`, `${to}/${to}.ts`]
  return offered.includes(target) ? undefined : `${from} may use ${to} through ${offered.join(' or ')} only`
}

/** Every import under `root/src` that breaks the rule, in the order of files and lines. */
export function layerViolations(root: string): Violation[] {
  const src = join(root, 'src')
  const violations: Violation[] = []
  for (const file of globSync('**/*.{ts,tsx}', { cwd: src }).sort()) {
    const path = file.split(sep).join(posix.sep)
    const [from = ''] = path.split('/')
    const report = (line: number, imports: string, why: string) =>
      violations.push({ file: `src/${path}`, line, imports, why })
    if (layerOf(from) < 0) {
      report(1, '', `src/${from} is in no layer; scripts/layers.ts names them`)
      continue
    }
    for (const { line, specifier } of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (specifier.startsWith('.')) {
        const target = relative(root, resolve(dirname(join(src, file)), specifier))
          .split(sep)
          .join(posix.sep)
        // What is generated from the contracts belongs to the chain adapter.
        if (target.startsWith('types/') && from === 'chain') continue
        const why = target.startsWith('src/')
          ? whyNot(from, target.slice('src/'.length))
          : 'src imports only from src, and src/chain from the generated types/'
        if (why) report(line, specifier, why)
      } else if (from === 'domain' && isBuiltin(specifier) && !NODE_IN_DOMAIN.includes(specifier)) {
        report(line, specifier, 'domain is pure: no I/O')
      }
    }
  }
  return violations
}

const isBuiltin = (specifier: string) =>
  specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0] ?? '')

if (import.meta.main) {
  const violations = layerViolations(join(import.meta.dirname, '..'))
  for (const { file, line, imports, why } of violations) console.log(`${file}:${line} ${imports}: ${why}`)
  process.exitCode = violations.length > 0 ? 1 : 0
}
