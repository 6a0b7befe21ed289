import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

/** A document: its path from the root of the project, and its text. */
export type Document = { path: string; text: string }

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Every document of ours in Markdown. */
export function documents(): Document[] {
  return ['*.md', 'docs/**/*.md', 'fhir/**/*.md']
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .sort()
    .map((path) => ({ path, text: read(path) }))
}

/** A document without its blocks of code, in which nothing is a link or a heading. */
export const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '')

/** Everything that a document shows as code: blocks and spans, each line by itself. */
export function codeLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  // A span may be broken over two lines of the document.
  const spans = [...withoutCode(text).matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
    span.replace(/\s*\n\s*/g, ' '),
  )
  return [...blocks, ...spans].flatMap((code) => code.split('\n'))
}

/** The rows of a table in Markdown whose first cell is code: that code. */
export function codedRows(text: string): string[] {
  return [...text.matchAll(/^\|([^|]*`[^|]*)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
  )
}

/** What stands under a heading, down to the next of the same or a higher level. */
export function section(text: string, heading: string): string {
  const [, rest] = text.split(`\n## ${heading}\n`)
  if (rest === undefined) throw new Error(`no section ${heading}`)
  return rest.split(/^## /m)[0] ?? ''
}

/** Each command of a page that is followed by its answer in JSON. */
export const commandsWithAnswers = (page: string): { command: string; answer: string }[] =>
  [...page.matchAll(/```sh\n([^`]+)```\n\n```json\n([^`]+)```/g)].map(([, command = '', answer = '']) => ({
    command: command.replace(/\\\n\s*/g, '').trim(),
    answer: answer.trim(),
  }))
