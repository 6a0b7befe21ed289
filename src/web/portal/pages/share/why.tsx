import { Radio, Text } from '@mantine/core'
import { Navigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useTerms } from '../../terms.ts'
import { useDraft } from './draft.tsx'
import classes from './share.module.css'
import { ShareStep } from './step.tsx'

/** Treatment first, any reason last. */
const OFFERED = ['TREAT', 'ETREAT', 'COC', 'HPAYMT', 'HRESCH', 'PurposeOfUse'] as const

export function Why() {
  const t = useTranslations('share')
  const terms = useTerms()
  const { draft, choose } = useDraft()
  if (!draft.to) return <Navigate to="/share/who" replace />
  return (
    <ShareStep step="why" problem={draft.purpose ? undefined : t('chooseWhy')} field="why-TREAT">
      <Radio.Group
        label={<Text>{t('why')}</Text>}
        value={draft.purpose}
        onChange={(purpose) => choose({ purpose })}
      >
        <div className={`${classes.choices} ${classes.list}`}>
          {OFFERED.map((code) => (
            <Radio
              key={code}
              id={`why-${code}`}
              size="md"
              value={code}
              label={terms.purpose(code)}
              description={t(`purpose.${code}`)}
            />
          ))}
        </div>
      </Radio.Group>
    </ShareStep>
  )
}
