import { Alert, Button, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useDevice } from '../../device/device.tsx'
import { findHospitals } from '../../device/find-hospitals.ts'
import { createPasskey, PasskeyRefused } from '../../device/passkey.ts'
import { useNetwork } from '../../network.tsx'

/** The 12 words on a new device: from them alone it finds the hospitals again. */
export function EnterWords() {
  const t = useTranslations('begin')
  const { vault, open } = useDevice()
  const { members, chain } = useNetwork()
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const entering = useMutation({
    mutationFn: async () => {
      const { checkWords } = await import('../../../../patient/seed.ts')
      const words = checkWords(typed)
      const label = t('thisDevice')
      const made = await createPasskey(label, [])
      await vault.sealWithPasskey(words, label, made)
      const { paired } = await findHospitals(words, members, chain)
      for (const hospital of paired) await vault.pair(hospital)
      open(words)
      await navigate({ to: '/' })
    },
  })
  const trouble = entering.error
  return (
    <Page title={t('wordsTitle')} lead={t('wordsLead')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!entering.isPending) entering.mutate()
        }}
      >
        <Textarea
          label={t('wordsLabel')}
          autosize
          minRows={3}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
        />
        {trouble ? (
          <Alert role="alert" color="red" mt="md">
            {trouble instanceof PasskeyRefused ? t('passkeyFailed') : trouble.message}
          </Alert>
        ) : null}
        <Button type="submit" mt="lg" loading={entering.isPending}>
          {t('continue')}
        </Button>
      </form>
    </Page>
  )
}
