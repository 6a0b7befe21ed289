import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { codeLines, documents, read, root } from './documents.ts'

type Named = { from: string; words: string[]; options: string[] }

/** Each command line that a document shows, after what it begins with; comments and what a pipe leads to are left out. */
function commandLines(begin: RegExp): Named[] {
  return documents().flatMap(({ path, text }) =>
    codeLines(text).flatMap((line) => {
      const rest = begin.exec(line)?.[1]
      if (rest === undefined) return []
      const parts = (rest.split(/\s#\s|[|>]/)[0] ?? '').trim().split(/\s+/).filter(Boolean)
      const end = parts.findIndex((part) => !/^[\w./-]+$/.test(part) || part.startsWith('-'))
      const words = end < 0 ? parts : parts.slice(0, end)
      return [{ from: path, words, options: parts.filter((part) => /^--[a-z]/.test(part)) }]
    }),
  )
}

/** Every subcommand, as its file makes it. */
async function commands(): Promise<Command[]> {
  const files = globSync('src/cli/*.ts', { cwd: root }).filter((file) => !file.endsWith('main.ts'))
  const modules = (await Promise.all(files.map((file) => import(join(root, file))))) as Record<
    string,
    unknown
  >[]
  const makers = modules.flatMap((module) =>
    Object.entries(module).filter(([name]) => name.endsWith('Command')),
  )
  return makers.map(([, make]) => (make as () => Command)())
}

/** The options of a command and subcommand; undefined where there is none of that name. */
function optionsOf([name, ...rest]: readonly string[], all: readonly Command[]): Set<string> | undefined {
  const command = all.find((one) => one.name() === name)
  if (command === undefined) return undefined
  if (rest.length > 0) return optionsOf(rest, command.commands)
  return new Set([...command.options.map(({ long }) => long ?? ''), '--help'])
}

test('the help of wayleave names every subcommand, and no other', async () => {
  const { stdout } = spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), '--help'], {
    encoding: 'utf8',
  })
  const [, listed = ''] = stdout.split('Commands:\n')
  const names = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
  expect(names.sort()).toEqual([...(await commands()).map((command) => command.name()), 'help'].sort())
}, 60_000)

test('every command that a document names is one, and so is every option', async () => {
  const all = await commands()
  const named = [...commandLines(/node bin\/wayleave\.mjs (.+)/), ...commandLines(/^wayleave (.+)/)]
  const wrong = named
    .filter(({ words }) => words[0] !== 'run')
    .filter(({ words, options }) => {
      const known = optionsOf(words, all)
      return known === undefined || !options.every((option) => known.has(option))
    })
  expect(wrong).toEqual([])
  expect(named.length).toBeGreaterThan(10)
})

test('every option of npm start that a document names is one', async () => {
  const known = optionsOf(['sandbox'], await commands())
  const named = documents().flatMap(({ text }) =>
    codeLines(text).flatMap((line) =>
      (/npm start -- (.+)/.exec(line)?.[1] ?? '').split(/\s+/).filter((part) => part.startsWith('--')),
    ),
  )
  expect(named.filter((option) => !known?.has(option))).toEqual([])
})

test('every script, test file and check that a document tells to run is there', () => {
  const scripts = commandLines(/node bin\/wayleave\.mjs run (.+)/).flatMap(({ words }) => words.slice(0, 1))
  const tests = commandLines(/vitest run (.+)/).flatMap(({ words }) => words)
  const missing = [...scripts, ...tests].filter((path) => path.includes('/') && !existsSync(join(root, path)))
  expect(missing).toEqual([])

  const names = new Set(
    [...read('scripts/test.ts').matchAll(/(?:plain\(|name: )'([a-z]+)'/g)].map(([, name]) => name),
  )
  const checks = commandLines(/npm test -- (.+)/).flatMap(({ words }) => words)
  expect(checks.filter((name) => !names.has(name))).toEqual([])
  expect([tests.length > 5, checks.length > 5]).toEqual([true, true])
})
