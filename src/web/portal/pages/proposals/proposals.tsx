import { Alert, Button, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { CircleAlert } from 'lucide-react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { namedInLine } from '../../own/sentence.ts'
import { Proposal } from './proposal.tsx'
import classes from './proposals.module.css'

const keyOf = ({ member }: OwnHospital) => ['proposals', member.id]

/** What the patient's hospitals have filed for them to sign; each is read as the sentences that will be signed. */
export function Proposals() {
  const t = useTranslations('proposals')
  const { hospitals } = useDevice()
  const asked = useQueries({
    queries: hospitals.map((own) => ({ queryKey: keyOf(own), queryFn: () => own.client.proposals() })),
  })
  const filed = hospitals.flatMap((own, at) => (asked[at]?.data ?? []).map((proposal) => ({ own, proposal })))
  const silent = hospitals.filter((_, at) => asked[at]?.isError)
  const isLoading = asked.some(({ isLoading }) => isLoading)
  return (
    <Page title={t('title')} lead={t('lead')}>
      {silent.map(({ member }, at) => (
        <Alert key={member.id} color="yellow" icon={<CircleAlert aria-hidden />}>
          <Text>{t('silent', { hospital: namedInLine(member.name) })}</Text>
          <Button
            variant="default"
            mt="sm"
            onClick={() => void asked[hospitals.indexOf(silent[at] as OwnHospital)]?.refetch()}
          >
            {t('again')}
          </Button>
        </Alert>
      ))}
      {isLoading ? <Text role="status">{t('loading')}</Text> : null}
      {!isLoading && filed.length === 0 && silent.length === 0 ? <Text>{t('none')}</Text> : null}
      <ul className={classes.list}>
        {filed.map(({ own, proposal }) => (
          // Filed anew it may have the id of the one before: what was answered is not what is asked now.
          <li key={`${own.member.id} ${proposal.id} ${proposal.filedAt}`}>
            <Proposal own={own} proposal={proposal} />
          </li>
        ))}
      </ul>
      <Text size="sm">{t('freedom')}</Text>
    </Page>
  )
}
