import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { documents, read, root, withoutCode } from './documents.ts'

type Link = { from: string; target: string }

function links(): Link[] {
  return documents().flatMap(({ path, text }) =>
    [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ from: path, target })),
  )
}

/** The anchor that a heading gets, as Git hosts make it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsIn = (path: string) =>
  [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

test('every relative link leads to a file that is there, and every anchor to a heading', () => {
  const relative = links().filter(({ target }) => !/^[a-z]+:/.test(target))
  const broken = relative.filter(({ from, target }) => {
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? from : normalize(join(dirname(from), decodeURIComponent(file)))
    if (!existsSync(join(root, path))) return true
    return anchor !== undefined && !anchorsIn(path).includes(anchor)
  })
  expect(broken).toEqual([])
  expect(relative.length).toBeGreaterThan(30)
})

test('every decision is in the list of decisions, and has what was given up', () => {
  const pages = documents().filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path))
  const list = read('docs/decisions/README.md')
  for (const { path, text } of pages) {
    expect(list).toContain(`(${path.slice('docs/decisions/'.length)})`)
    for (const heading of ['## Context', '## Decision', '## Given up']) expect(text, path).toContain(heading)
  }
  expect(pages.length).toBeGreaterThan(0)
})

test('no label in a picture is smaller than 12 px', () => {
  const sizes = [...read('docs/images/overview.svg').matchAll(/font-size[:=]\s*"?([\d.]+)/g)].map(
    ([, size]) => Number(size),
  )
  expect(sizes.length).toBeGreaterThan(0)
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(12)
})
