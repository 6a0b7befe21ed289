import { Alert, Button, Loader, Text } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { useDevice } from '../../device/device.tsx'
import { localKey } from '../../own/local-keys.ts'
import { RequestFacts, RequestSentence } from './request-facts.tsx'
import { RequestState } from './request-state.tsx'
import classes from './requests.module.css'
import { type Asked, isWaiting, OFTEN, useRequests } from './use-requests.ts'

/** Who asks for what. */
export function Requests() {
  const t = useTranslations('requests')
  const { asked, silent, isLoading } = useRequests(OFTEN)
  const waiting = asked.filter(isWaiting)
  const others = asked.filter((one) => !isWaiting(one))
  return (
    <Page title={t('title')} lead={t('lead')}>
      {silent.map(({ member }) => (
        <Alert key={member.id} color="orange" role="status">
          {t.rich('silent', { hospital: () => <Stranger>{member.name}</Stranger> })}
        </Alert>
      ))}
      <Prepared />
      {isLoading ? <Loader role="status" aria-label={t('title')} /> : null}
      {!isLoading && waiting.length === 0 ? (
        <div>
          <Text fw={650}>{t('none')}</Text>
          <Text>{t('noneText')}</Text>
        </div>
      ) : null}
      <ul className={classes.list}>
        {waiting.map((one) => (
          <OneRequest key={one.request.id} {...one} />
        ))}
      </ul>
      {others.length > 0 ? (
        <section aria-labelledby="answered">
          <h2 id="answered" className={classes.section}>
            {t('answered')}
          </h2>
          <ul className={classes.list}>
            {others.map((one) => (
              <OneRequest key={one.request.id} {...one} />
            ))}
          </ul>
        </section>
      ) : null}
    </Page>
  )
}

function OneRequest(asked: Asked) {
  const t = useTranslations('requests')
  const { hospital, request } = asked
  const which = localKey({ request: request.id, at: hospital.member.id })
  return (
    <li className={classes.request}>
      <h2 className={classes.heading}>
        <RequestSentence {...asked} />
      </h2>
      <RequestState {...asked} />
      <RequestFacts {...asked} />
      {isWaiting(asked) ? (
        <div className={classes.actions}>
          <Button
            size="md"
            renderRoot={(props) => <Link {...props} to="/requests/answer" search={{ which }} />}
          >
            {t('look')}
          </Button>
        </div>
      ) : null}
    </li>
  )
}

/** What the hospitals themselves have written for the patient to sign stands on a page of its own. */
function Prepared() {
  const t = useTranslations('requests')
  const { hospitals } = useDevice()
  const count = useQueries({
    queries: hospitals.map(({ member, client }) => ({
      queryKey: ['proposals', member.id],
      queryFn: () => client.proposals(),
    })),
    combine: (answers) => answers.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
  })
  if (count === 0) return null
  return (
    <Alert role="status">
      <Text>{t('prepared', { count })}</Text>
      <Button mt="sm" variant="default" component={Link} to="/proposals">
        {t('preparedGo')}
      </Button>
    </Alert>
  )
}
