import type { Party } from '../../../patient/acts.ts'
import { Stranger } from '../../shared/stranger.tsx'
import { useTerms } from '../terms.ts'

export function PartyName({ to, bold = false }: { to: Party; bold?: boolean }) {
  const terms = useTerms()
  return <Stranger bold={bold}>{terms.party(to)}</Stranger>
}
