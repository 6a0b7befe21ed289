import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ensurePages } from '../../scripts/pages.ts'

const root = join(import.meta.dirname, '..', '..')

test('the pages built elsewhere from the same sources are the same, byte for byte', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'wayleave-pages-elsewhere-'))
  try {
    mkdirSync(join(elsewhere, 'scripts'))
    for (const path of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts/pages.ts'])
      cpSync(join(root, path), join(elsewhere, path))
    for (const folder of ['web', 'patient', 'domain'])
      cpSync(join(root, 'src', folder), join(elsewhere, 'src', folder), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(elsewhere, 'node_modules'))
    const sums = (built: Awaited<ReturnType<typeof ensurePages>>) =>
      built.map(({ application, sha256 }) => `${application} ${sha256}`)
    const there = sums(await ensurePages({ root: elsewhere }))
    expect(there).toEqual(sums(await ensurePages()))
    expect(there).toHaveLength(2)
  } finally {
    rmSync(elsewhere, { recursive: true, force: true })
  }
}, 120_000)
