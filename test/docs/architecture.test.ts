import { existsSync, globSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BrokerConfig } from '../../src/broker/index.ts'
import { LabelRulesFile } from '../../src/domain/records/labels/read-rules.ts'
import { codedRows, read, root, section } from './documents.ts'

/** The folders that the tree in ARCHITECTURE names, by indentation; its first entry may hold a path. */
function foldersInTree(): string[] {
  const [, tree = ''] = /```text\n([\s\S]*?)```/.exec(section(read('ARCHITECTURE.md'), 'Folders')) ?? []
  const open: { depth: number; path: string }[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', name] = /^( *)(\S+)\/(?:\s|$)/.exec(line) ?? []
    if (name === undefined) return []
    while ((open.at(-1)?.depth ?? -1) >= indent.length) open.pop()
    const path = join(open.at(-1)?.path ?? '', name)
    open.push({ depth: indent.length, path })
    return [path]
  })
}

/** A folder and all below it that hold a file. */
function foldersBelow(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  const below = entries.filter((e) => e.isDirectory()).flatMap((e) => foldersBelow(join(folder, e.name)))
  return entries.some((e) => e.isFile()) ? [folder, ...below] : below
}

test('the tree of folders names only folders that are there', () => {
  const named = foldersInTree()
  expect(named.filter((folder) => !existsSync(join(root, folder)))).toEqual([])
  expect(named.length).toBeGreaterThan(40)
})

test('the tree of folders names every folder of the product', () => {
  const named = new Set(foldersInTree())
  const actual = ['bin', 'contracts', 'docs', 'scripts', 'src'].flatMap(foldersBelow)
  expect(actual.filter((folder) => !named.has(folder))).toEqual([])
})

test('every table that a broker keeps is told of', () => {
  const told = section(read('ARCHITECTURE.md'), 'What each table holds')
  const tables = globSync('src/store/migrations/*.ts', { cwd: root }).flatMap((file) =>
    [...read(file).matchAll(/create table (?:if not exists )?(\w+)/g)].map(([, table = '']) => table),
  )
  expect(tables.filter((table) => !told.includes(`\`${table}\``))).toEqual([])
  expect(tables.length).toBeGreaterThan(20)
})

test('every field of a broker’s configuration is explained, and no other', () => {
  const explained = codedRows(section(read('docs/operate.md'), 'Configuration'))
  const { chain, timing, ...rest } = BrokerConfig.properties
  const fields = [
    ...Object.keys(rest),
    ...Object.keys(chain.properties).map((name) => `chain.${name}`),
    ...Object.keys(timing.properties).map((name) => `timing.${name}`),
  ]
  const paths = /^\//
  expect(explained.filter((name) => !paths.test(name)).sort()).toEqual(fields.sort())
})

test('every field of a file of labelling rules is explained, and no other', () => {
  const explained = codedRows(section(read('docs/operate.md'), 'Labelling rules'))
  const { rules, ...rest } = LabelRulesFile.properties
  const fields = ['rules', ...Object.keys(rest), ...Object.keys(rules.items.properties)]
  expect(explained.sort()).toEqual(fields.filter((name) => name !== 'kind').sort())
})

test('every message of the log that an operator is told to act on is one that a broker writes', () => {
  const told = codedRows(section(read('docs/operate.md'), 'Logs')).filter((text) => text.includes(' '))
  const sources = globSync('src/**/*.ts', { cwd: root }).map(read).join('')
  expect(told.filter((message) => !sources.includes(`'${message}'`))).toEqual([])
  expect(told.length).toBeGreaterThan(5)
})
