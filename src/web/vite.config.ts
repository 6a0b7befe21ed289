import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  type MantineTheme,
  mergeMantineTheme,
} from '@mantine/core'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'
import { theme } from './shared/theme.ts'

/** The two applications that are built from this folder. */
export const APPLICATIONS = ['portal', 'console'] as const

const THEME = 'virtual:theme.css'

/** The theme's variables as a file: Mantine would write them into the page, which its Content-Security-Policy forbids. */
function themeVariables(): Plugin {
  return {
    name: 'wayleave-theme',
    resolveId: (id) => (id === THEME ? `\0${THEME}` : undefined),
    load(id) {
      if (id !== `\0${THEME}`) return undefined
      const merged: MantineTheme = mergeMantineTheme(DEFAULT_THEME, theme)
      return convertCssVariables(defaultCssVariablesResolver(merged), ':root')
    },
  }
}

function scopedName(name: string, file: string): string {
  const place = relative(import.meta.dirname, file)
    .split(sep)
    .join('/')
  return `${name}-${createHash('sha256').update(`${place}/${name}`).digest('hex').slice(0, 8)}`
}

/** `--mode portal` or `--mode console`. The same source gives the same bytes, wherever it is built. */
export default defineConfig(({ mode }) => {
  const application = APPLICATIONS.find((name) => name === mode)
  if (!application) throw new Error(`--mode is one of ${APPLICATIONS.join(', ')}`)
  const outDir = join(import.meta.dirname, '..', '..', 'dist', 'web', application)
  rmSync(outDir, { recursive: true, force: true })
  return {
    root: join(import.meta.dirname, application),
    // The console lies below its broker's own paths.
    base: application === 'console' ? '/console/' : '/',
    publicDir: false,
    logLevel: 'warn',
    plugins: [react(), themeVariables()],
    // Named by the file's place in this folder: the default names by its place below wherever the build was started.
    css: { modules: { generateScopedName: scopedName } },
    build: {
      // Chunks are named by the places of their modules as well: by those in this folder, not below where the build was started.
      rolldownOptions: { cwd: import.meta.dirname },
      outDir,
      target: 'es2022',
      modulePreload: { polyfill: false },
      // A data: URL would be a source that the policy has to allow.
      assetsInlineLimit: 0,
      sourcemap: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 700,
    },
  }
})
