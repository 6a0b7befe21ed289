import type { MantineThemeOverride } from '@mantine/core'

/** One accent colour, a teal that keeps 4.5:1 on white from shade 7 on; large type, roomy, round. */
const sea = [
  '#e8f6f5',
  '#d3ebe9',
  '#a6d6d3',
  '#75c0bb',
  '#4daca6',
  '#329f99',
  '#1f8f89',
  '#0b6f6a',
  '#075f5b',
  '#004b47',
] as const

/** Fields are as large as what is written around them. */
const large = { defaultProps: { size: 'md' } }

export const theme: MantineThemeOverride = {
  primaryColor: 'sea',
  // White on it is read in both colour schemes; what stands on dark itself takes shade 4 (base.css).
  primaryShade: 7,
  autoContrast: true,
  colors: { sea },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'always',
  components: {
    ...{ TextInput: large, PasswordInput: large, Textarea: large, NativeSelect: large, FileInput: large },
    ...{ Checkbox: large, Radio: large, Button: large },
  },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans Arabic', sans-serif",
  fontSizes: { xs: '0.875rem', sm: '1rem', md: '1.125rem', lg: '1.25rem', xl: '1.5rem' },
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.875rem', lineHeight: '1.25' } } },
}
