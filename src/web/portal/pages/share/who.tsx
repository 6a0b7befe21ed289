import { useTranslations } from 'use-intl'
import { useSources } from '../../own/hospitals.ts'
import { PartyChoice } from '../../own/party-choice.tsx'
import { SecureFirst } from '../../own/secure-first.tsx'
import { useSecured } from '../../own/secured.ts'
import { useDraft } from './draft.tsx'
import { ShareStep } from './step.tsx'

export function Who() {
  const t = useTranslations('share')
  const { draft, choose } = useDraft()
  const sources = useSources(draft.to)
  const secured = useSecured()
  if (!secured) return <SecureFirst />
  const problem = !draft.to ? t('chooseWho') : sources.length === 0 ? t('noneLeft') : undefined
  return (
    <ShareStep step="who" problem={problem} field="search">
      <PartyChoice chosen={draft.to} onChoose={(to) => choose({ to, without: [] })} />
    </ShareStep>
  )
}
