import { Alert, Button, Loader, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { queries } from '../../../shared/providers.tsx'
import { behindKey } from '../../own/local-keys.ts'
import { SecureFirst } from '../../own/secure-first.tsx'
import { useSecured } from '../../own/secured.ts'
import { useTerms } from '../../terms.ts'
import { Narrow, type Narrowed } from './narrow.tsx'
import { answerUntil, RequestFacts, RequestSentence } from './request-facts.tsx'
import { RequestState } from './request-state.tsx'
import classes from './requests.module.css'
import { SignAnswer } from './sign-answer.tsx'
import { type Asked, isWaiting, OFTEN, useRequests } from './use-requests.ts'

/** One request: what they want, how much of it to allow, and what is signed. */
export function Answer() {
  const t = useTranslations('requests')
  const { which } = useSearch({ from: '/requests/answer' })
  const { asked, isLoading } = useRequests(OFTEN)
  const named = behindKey<{ request: string; at: string }>(which)
  const found = asked.find(
    ({ hospital, request }) => request.id === named?.request && hospital.member.id === named.at,
  )
  // Once answered it may be gone from the list any moment; what was decided stays on the page.
  const [kept, keep] = useState<Asked>()
  if (found && found !== kept && (!kept || found.request.id === kept.request.id)) keep(found)
  const one = found ?? kept
  if (!one) {
    return (
      <Page title={t('title')}>
        {isLoading ? <Loader role="status" aria-label={t('title')} /> : <Text>{t('state.ended')}</Text>}
        <Back />
      </Page>
    )
  }
  return <Decide asked={one} isOver={!found && !isLoading} />
}

function Decide({ asked, isOver }: { asked: Asked; isOver: boolean }) {
  const t = useTranslations('requests')
  const terms = useTerms()
  const format = useFormatter()
  const navigate = useNavigate()
  const { hospital, request } = asked
  const [narrowed, narrow] = useState<Narrowed>()
  const [less, sign] = useState<Narrowed>()
  const [isSigned, signed] = useState(false)
  const onSigned = useCallback(() => {
    signed(true)
    void queries.invalidateQueries({ queryKey: ['requests', hospital.member.id] })
  }, [hospital])
  const refusing = useMutation({
    mutationFn: () => hospital.client.refuse(request),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['requests', hospital.member.id] }),
  })
  const secured = useSecured()
  const canAnswer = isWaiting(asked) && request.requester.identifier !== undefined
  if (refusing.isSuccess) {
    return (
      <Page title={t('title')}>
        <Text role="status" fw={650}>
          {t('state.refused')}
        </Text>
        <Back />
      </Page>
    )
  }
  if (less && !secured) return <SecureFirst />
  if (less) {
    return (
      <Page title={t('read')} lead={t('readText')}>
        <SignAnswer asked={asked} less={less} onSigned={onSigned} />
        {request.answered ? <RequestState {...asked} /> : null}
        <div className={classes.actions}>
          {isWaiting(asked) && !isSigned ? (
            <Button variant="default" onClick={() => sign(undefined)}>
              {t('change')}
            </Button>
          ) : null}
          <Back />
        </div>
      </Page>
    )
  }
  return (
    <Page title={t('title')} lead={<RequestSentence {...asked} />}>
      {isOver ? <Alert role="alert">{t('state.ended')}</Alert> : <RequestState {...asked} />}
      <RequestFacts {...asked} />
      {request.requester.identifier === undefined ? <Alert role="alert">{t('unknownOrg')}</Alert> : null}
      {canAnswer && !isOver ? (
        <Narrow
          asked={asked}
          narrowed={narrowed}
          onChange={narrow}
          onNext={(chosen) => {
            narrow(chosen)
            sign(chosen)
          }}
        />
      ) : null}
      {refusing.isError ? (
        <Alert role="alert" color="red">
          {terms.error(refusing.error)}
        </Alert>
      ) : null}
      {isWaiting(asked) && !isOver ? (
        <>
          <div className={classes.actions}>
            <Button
              variant="default"
              loading={refusing.isPending}
              aria-describedby="refuse-note"
              onClick={() => {
                if (!refusing.isPending) refusing.mutate()
              }}
            >
              {t('refuse')}
            </Button>
            <Text size="sm" id="refuse-note">
              {t('refuseText')}
            </Text>
          </div>
          <div className={classes.actions}>
            <Button
              variant="default"
              aria-describedby="later-note"
              onClick={() => void navigate({ to: '/requests' })}
            >
              {t('later')}
            </Button>
            <Text size="sm" id="later-note">
              {t('laterText', { date: answerUntil(request.deadline, format) })}
            </Text>
          </div>
        </>
      ) : (
        <Back />
      )}
    </Page>
  )
}

function Back() {
  const t = useTranslations('requests')
  return (
    <div>
      <Button variant="default" component={Link} to="/requests">
        {t('back')}
      </Button>
    </div>
  )
}
