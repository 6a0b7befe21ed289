import { Alert, Button, Text, Title } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { askCarrier } from '../../device/passkey.ts'
import classes from './begin.module.css'
import { useDraft } from './draft.tsx'
import { useTakeIn } from './take-in.ts'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** A security key that carries the words: on any device, the hospital's tablet too, which keeps nothing. */
export function UseKey() {
  const t = useTranslations('begin')
  const { restart } = useDraft()
  const takeIn = useTakeIn()
  const navigate = useNavigate()
  const opening = useOnce(
    async () => {
      const { sealed, secret } = await askCarrier()
      const { openWithSecret } = await import('../../device/seal-words.ts')
      // Words go onto a key only once they are confirmed on paper: whoever has it has two ways.
      await takeIn(await openWithSecret(sealed, secret), { guest: { secured: true } })
      await navigate({ to: '/' })
    },
    { leadsOn: true },
  )
  return (
    <Page title={t('keyTitle')} lead={t('keyLead')}>
      <Alert color="gray">{t('keyNothing')}</Alert>
      <Button
        size="lg"
        leftSection={<KeyRound aria-hidden />}
        loading={opening.isPending}
        onClick={() => opening.mutate()}
      >
        {t('keyOpen')}
      </Button>
      <Trouble error={opening.error} />
      <section className={classes.card}>
        <Title order={2} size="h3">
          {t('keyNewTitle')}
        </Title>
        <Text>{t('keyNewText')}</Text>
        <Button
          variant="default"
          size="md"
          onClick={() => {
            restart({ forKey: true })
            void navigate({ to: '/begin/new-words' })
          }}
        >
          {t('keyNew')}
        </Button>
      </section>
      <Ways ways={[{ to: '/begin/no-phone', text: t('noPhone') }]} />
    </Page>
  )
}
