import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const FOLDER = new URL('../../src/patient/', import.meta.url)
/** What the portal will carry to a browser. Each runs there. */
const FOR_BROWSERS = [
  '@noble/hashes',
  '@openzeppelin/merkle-tree',
  '@scure/bip32',
  '@scure/bip39',
  'canonicalize',
  'ethers',
  'jose',
]

/** Everything that is loaded with a module, types apart: files of ours, and packages. */
function loadedWith(entry: URL, files = new Set<string>(), packages = new Set<string>()) {
  if (files.has(entry.href)) return { files, packages }
  files.add(entry.href)
  const source = readFileSync(entry, 'utf8')
  for (const [, clause = '', specifier = ''] of source.matchAll(
    /^(?:import|export)\s([^'"]*?)\bfrom '([^']+)'/gm,
  )) {
    if (clause.startsWith('type ')) continue
    if (specifier.startsWith('.')) loadedWith(new URL(specifier, entry), files, packages)
    else packages.add(specifier)
  }
  return { files, packages }
}

test('the patient’s side runs in a browser: nothing of Node comes with it', () => {
  const packages = new Set<string>()
  const files = new Set<string>()
  for (const name of readdirSync(FOLDER)) loadedWith(new URL(name, FOLDER), files, packages)
  expect(files.size).toBeGreaterThan(15)
  for (const specifier of packages) {
    expect(builtinModules, specifier).not.toContain(specifier.replace(/^node:/, ''))
    expect(FOR_BROWSERS, specifier).toContain(
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    )
  }
  const node = [...files].filter((file) =>
    /\bBuffer\.|\bprocess\.[a-z]/.test(readFileSync(fileURLToPath(file), 'utf8')),
  )
  expect(node).toEqual([])
})
