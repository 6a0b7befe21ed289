import { Text } from '@mantine/core'
import { harmless } from './harmless.ts'

export { harmless } from './harmless.ts'

/** A name, or other words, that somebody else chose: isolated from the sentence around them. */
export function Stranger({
  children,
  bold,
  longest,
}: {
  children: string
  bold?: boolean
  /** Characters that are shown at most; as many as a name has, unless given. */
  longest?: number
}) {
  const shown = harmless(children, longest)
  return bold ? (
    <Text component="bdi" fw={650} inherit>
      {shown}
    </Text>
  ) : (
    <bdi>{shown}</bdi>
  )
}
