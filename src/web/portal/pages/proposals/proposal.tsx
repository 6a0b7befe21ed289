import { Alert, Button, Group, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleAlert, CircleCheck } from 'lucide-react'
import { useFormatter, useTranslations } from 'use-intl'
import type { OwnProposal } from '../../../../domain/consent/own-proposals.ts'
import { harmless } from '../../../shared/stranger.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { namedInLine, sentencesOf } from '../../own/sentence.ts'
import { useTerms } from '../../terms.ts'
import { asPrepared } from './as-prepared.ts'
import classes from './proposals.module.css'

/** One of them: the sentences, who wrote it down, and two answers of the same size. */
export function Proposal({ own, proposal }: { own: OwnHospital; proposal: OwnProposal }) {
  const t = useTranslations('proposals')
  const speech = { t: useTranslations('own'), format: useFormatter(), terms: useTerms() }
  const queries = useQueryClient()
  const { secured } = useDevice()
  const { client, member } = own
  const { filedBy, filedAt, effect, id } = proposal
  const widens = effect === 'permit'
  // An act that widens must arrive within minutes: it is built anew whenever the page is looked at again.
  const act = useQuery({
    queryKey: ['proposal', member.id, id, filedAt],
    queryFn: () => asPrepared(client, proposal),
    staleTime: 60_000,
    structuralSharing: false,
  })
  const later = () => void queries.invalidateQueries({ queryKey: ['proposals', member.id] })
  const signing = useOnce(async () => {
    const prepared = act.data
    if (!prepared) return undefined
    return prepared.sign(prepared.data)
  })
  const declining = useOnce(async () => {
    await client.decline({ id })
    later()
  })
  const title = t(`effect.${effect}`)
  const who = harmless([filedBy.name ?? filedBy.id, filedBy.role].filter(Boolean).join(', '))
  if (signing.isSuccess)
    return (
      <Alert color="green" icon={<CircleCheck aria-hidden />} role="status" title={title}>
        <Text>
          {t(
            signing.data?.receipt?.counts === 'when approved'
              ? 'signedApproval'
              : widens
                ? 'signedWidens'
                : 'signed',
          )}
        </Text>
        <Button variant="default" mt="sm" onClick={later}>
          {t('putAway')}
        </Button>
      </Alert>
    )
  return (
    <article className={classes.proposal}>
      <Title order={2} size="h3">
        {title}
      </Title>
      {act.isLoading ? <Text role="status">{t('loading')}</Text> : null}
      {act.error ? <Problem text={speech.terms.error(act.error)} /> : null}
      {act.data ? (
        <blockquote className={classes.sentences}>
          {sentencesOf(act.data.data, member.name, speech).map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </blockquote>
      ) : null}
      <Text size="sm">
        {t('filed', {
          who: namedInLine(who),
          hospital: namedInLine(member.name),
          when: speech.format.dateTime(new Date(filedAt), { dateStyle: 'long' }),
        })}
      </Text>
      {signing.error ? <Problem text={speech.terms.error(signing.error)} /> : null}
      {declining.error ? <Problem text={speech.terms.error(declining.error)} /> : null}
      {widens && !secured ? (
        <Button component={Link} to="/begin/second-way">
          {t('secureFirst')}
        </Button>
      ) : null}
      <Group>
        <Button
          disabled={!act.data || (widens && !secured) || declining.isPending}
          loading={signing.isPending}
          onClick={() => signing.mutate()}
        >
          {t('sign')}
        </Button>
        <Button
          variant="default"
          disabled={signing.isPending}
          loading={declining.isPending}
          onClick={() => declining.mutate()}
        >
          {t('decline')}
        </Button>
      </Group>
    </article>
  )
}

function Problem({ text }: { text: string }) {
  return (
    <Alert color="red" role="alert" icon={<CircleAlert aria-hidden />}>
      {text}
    </Alert>
  )
}
