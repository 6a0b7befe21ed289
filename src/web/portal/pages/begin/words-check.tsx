import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ErrorSummary, type Problem } from './error-summary.tsx'

const ASKED = 3

/** Asks for three of the words by number; which, is drawn anew each time. Shows none of them. */
export function WordsCheck({
  words,
  onRight,
  children,
}: {
  words: string
  onRight: () => void | Promise<void>
  /** Other ways on from here. */
  children?: ReactNode
}) {
  const t = useTranslations('begin')
  const list = words.split(' ')
  const [places] = useState(() => drawn(list.length, ASKED))
  const [typed, setTyped] = useState<Record<number, string>>({})
  const [problems, setProblems] = useState<Problem[]>([])
  const fieldOf = (place: number) => `word-${place}`
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        const wrong = places.filter((place) => plain(typed[place]) !== list[place - 1])
        setProblems(
          wrong.map((place) => ({
            field: fieldOf(place),
            text: t(plain(typed[place]) === '' ? 'wordMissing' : 'wordWrong', { place }),
          })),
        )
        if (wrong.length === 0) void onRight()
      }}
    >
      <Stack gap="lg">
        <ErrorSummary problems={problems} />
        {places.map((place) => (
          <TextInput
            key={place}
            id={fieldOf(place)}
            label={t('wordAt', { place })}
            dir="ltr"
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            error={problems.find(({ field }) => field === fieldOf(place))?.text}
            value={typed[place] ?? ''}
            onChange={({ currentTarget }) => {
              const { value } = currentTarget
              setTyped((before) => ({ ...before, [place]: value }))
            }}
          />
        ))}
        <Group>
          <Button type="submit" size="lg">
            {t('checkThem')}
          </Button>
          {children}
        </Group>
      </Stack>
    </form>
  )
}

const plain = (word = '') => word.normalize('NFKD').trim().toLowerCase()

/** Some of the numbers from 1, in their order. */
function drawn(of: number, count: number): number[] {
  const left = Array.from({ length: of }, (_, i) => i + 1)
  const places: number[] = []
  while (places.length < count) {
    const [at = 0] = crypto.getRandomValues(new Uint32Array(1))
    places.push(...left.splice(at % left.length, 1))
  }
  return places.sort((a, b) => a - b)
}
