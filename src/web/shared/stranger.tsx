import { Text } from '@mantine/core'
import { harmless } from './harmless.ts'

export { harmless } from './harmless.ts'

/** A name, or other words, that somebody else chose: isolated from the sentence around them. */
export function Stranger({ children, bold }: { children: string; bold?: boolean }) {
  const shown = harmless(children)
  return bold ? (
    <Text component="bdi" fw={650} inherit>
      {shown}
    </Text>
  ) : (
    <bdi>{shown}</bdi>
  )
}
