import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { layerViolations } from '../../scripts/layers.ts'

const root = mkdtempSync(join(tmpdir(), 'wayleave-layers-'))
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** The reasons against a tree of files, by path. */
function reasons(tree: Record<string, string>): string[] {
  for (const [path, source] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), source)
  }
  return layerViolations(root).map(({ file, line, why }) => `${file}:${line} ${why}`)
}

describe('the layer rule', () => {
  test('lets imports go down, by any number of layers', () => {
    expect(
      reasons({
        'src/cli/main.ts': "import { a } from '../broker/broker.ts'\nawait import('../domain/a.ts')\n",
        'src/broker/broker.ts': "import { a } from '../store/deep/a.ts'\nimport '../indexer/index.ts'\n",
        'src/store/deep/a.ts':
          "export { a } from '../../domain/a.ts'\nimport { b } from '../../chain/b.ts'\n",
        'src/domain/a.ts': "import { sha256 } from '@noble/hashes/sha2.js'\n",
      }),
    ).toEqual([])
  })

  test.each([
    ['domain', "import { x } from '../store/x.ts'", 'domain lies below store: imports never go up'],
    ['domain', "import type { X } from '../cli/x.ts'", 'domain lies below cli: imports never go up'],
    ['store', "const x = await import('../broker/x.ts')", 'store lies below broker: imports never go up'],
    ['exchange', "export * from '../sandbox/x.ts'", 'exchange lies below sandbox: imports never go up'],
    ['broker', "import '../cli/x.ts'", 'broker lies below cli: imports never go up'],
  ])('catches an import that goes up, from %s: %s', (from, source, why) => {
    expect(reasons({ [`src/${from}/a.ts`]: `// a file\n${source}\n` })).toEqual([`src/${from}/a.ts:2 ${why}`])
  })

  test('catches an import spread over several lines', () => {
    const source = "import {\n  a,\n} from '../store/a.ts'\n"
    expect(reasons({ 'src/domain/a.ts': source })).toEqual([
      'src/domain/a.ts:3 domain lies below store: imports never go up',
    ])
  })

  test.each([
    [
      'indexer',
      "import '../broker/broker.ts'",
      'indexer and broker are processes of their own: never sideways',
    ],
    [
      'relayer',
      "import '../indexer/index.ts'",
      'relayer and indexer are processes of their own: never sideways',
    ],
    [
      'broker',
      "import '../sandbox/index.ts'",
      'broker and sandbox are processes of their own: never sideways',
    ],
    [
      'broker',
      "import '../indexer/queries.ts'",
      'broker may use indexer through indexer/index.ts or indexer/indexer.ts only',
    ],
  ])('catches an import that goes sideways between processes, from %s: %s', (from, source, why) => {
    expect(reasons({ [`src/${from}/a.ts`]: source })).toEqual([`src/${from}/a.ts:1 ${why}`])
  })

  test('catches I/O in the domain', () => {
    expect(reasons({ 'src/domain/a.ts': "import { readFileSync } from 'node:fs'" })).toEqual([
      'src/domain/a.ts:1 domain is pure: no I/O',
    ])
  })

  test('catches what reaches out of src, save the chain adapter for the generated types', () => {
    expect(
      reasons({
        'src/chain/a.ts': "import '../../types/factories/A__factory.ts'",
        'src/store/a.ts': "import '../../types/A.ts'",
        'src/broker/a.ts': "import '../../scripts/x.ts'",
      }),
    ).toEqual([
      'src/broker/a.ts:1 src imports only from src, and src/chain from the generated types/',
      'src/store/a.ts:1 src imports only from src, and src/chain from the generated types/',
    ])
  })

  test('catches a folder that is in no layer', () => {
    expect(reasons({ 'src/misc/a.ts': '' })).toEqual([
      'src/misc/a.ts:1 src/misc is in no layer; scripts/layers.ts names them',
    ])
  })
})
