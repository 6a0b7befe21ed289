import { ActionIcon, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { Moon, Sun } from 'lucide-react'

/** Light or dark; until it is used, as the system says. */
export function SchemeToggle({ light, dark }: { light: string; dark: string }) {
  const { setColorScheme } = useMantineColorScheme()
  const now = useComputedColorScheme('light')
  const label = now === 'dark' ? light : dark
  return (
    <ActionIcon
      variant="default"
      size="xl"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(now === 'dark' ? 'light' : 'dark')}
    >
      {now === 'dark' ? <Sun aria-hidden /> : <Moon aria-hidden />}
    </ActionIcon>
  )
}
