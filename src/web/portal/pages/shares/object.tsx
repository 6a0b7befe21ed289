import { Button } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Party } from '../../../../patient/acts.ts'
import { Page } from '../../../shared/page.tsx'
import { ErrorSummary } from '../../own/error-summary.tsx'
import { localKey } from '../../own/local-keys.ts'
import own from '../../own/own.module.css'
import { PartyChoice } from '../../own/party-choice.tsx'
import { Home } from './gone.tsx'

/** Whom to say no to. */
export function ObjectPage() {
  const t = useTranslations('shares')
  const share = useTranslations('share')
  const navigate = useNavigate()
  const [chosen, setChosen] = useState<Party>()
  const [tried, setTried] = useState(0)
  return (
    <Page title={t('objectTitle')} lead={t('objectLead')}>
      {tried > 0 && !chosen ? (
        <ErrorSummary key={tried} title={share('problem')} text={t('objectChoose')} field="search" />
      ) : null}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (chosen) void navigate({ to: '/object/$key', params: { key: localKey(chosen) } })
          else setTried(tried + 1)
        }}
      >
        <PartyChoice chosen={chosen} onChoose={setChosen} without={['Everyone']} />
        <div className={`${own.actions} ${own.after}`}>
          <Button type="submit" size="lg">
            {t('objectNext')}
          </Button>
          <Home />
        </div>
      </form>
    </Page>
  )
}
