import { Text } from '@mantine/core'
import { CircleAlert, CircleCheck, Siren, TriangleAlert } from 'lucide-react'
import type { Occasion } from '../../../../domain/own-history/occasions.ts'
import classes from './history.module.css'
import { useHistoryWords } from './history-words.tsx'

/** How a line looks: an emergency is loud, whatever came of it. */
export const loudness = ({ emergency, ending, manner }: Occasion): string =>
  emergency ? 'emergency' : manner === 'look' || ending === 'refused' ? ending : 'quiet'

const ICONS = { allowed: CircleCheck, refused: TriangleAlert, failed: CircleAlert } as const

/** What came of it, in a word and a sign: never by colour alone. */
export function Ending({ occasion }: { occasion: Occasion }) {
  const words = useHistoryWords()
  const Icon = occasion.emergency ? Siren : ICONS[occasion.ending]
  return (
    <Text component="span" fw={650} size="sm" className={classes.ending}>
      <Icon aria-hidden size={20} />
      {words.ending(occasion)}
    </Text>
  )
}
