import { Button, CopyButton, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { standingIn } from '../../../../domain/consent/standing.ts'
import { ownShares } from '../../../../patient/own-shares.ts'
import { Page } from '../../../shared/page.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { type Member, useNetwork } from '../../network.tsx'
import { Acts } from '../../own/acts.tsx'
import { today } from '../../own/hospitals.ts'
import own from '../../own/own.module.css'
import { PartyName } from '../../own/party-name.tsx'
import { dayInWords, namedInLine } from '../../own/sentence.ts'
import { useSigning, type Wanted } from '../../own/signing.ts'
import { useTerms } from '../../terms.ts'
import classes from './helpers.module.css'
import { May } from './helpers.tsx'
import { useShownCodes } from './use-helpers.ts'

const LOOK_EVERY = 5_000

/** What a helper does for one person: chosen on the list, and done on a page of its own. */
type Doing = { hospital: OwnHospital; title: string; label: string; prepare: Wanted['prepare'] }

/** The other side: the codes with which these words can be appointed, and the persons whom they help. */
export function Helping() {
  const t = useTranslations('helpers')
  const { members } = useNetwork()
  const { words } = useDevice()
  const { shown, show, look } = useShownCodes()
  const [doing, setDoing] = useState<Doing>()
  if (doing) return <DoFor {...doing} onBack={() => setDoing(undefined)} />
  const all = members.flatMap((member) =>
    Array.from({ length: shown[member.id] ?? 0 }, (_, number) => ({ member, number })),
  )
  return (
    <Page title={t('helpingTitle')} lead={t('helpingLead')}>
      {all.length === 0 ? <Text fw={600}>{t('helpingNone')}</Text> : null}
      {words ? (
        <ul className={classes.list}>
          {all.map(({ member, number }) => (
            <li key={`${member.id} ${number}`}>
              <Helped member={member} number={number} words={words} onDo={setDoing} />
            </li>
          ))}
        </ul>
      ) : null}
      <Stack className={own.after}>
        {members.map((member) => (
          <div key={member.id}>
            <Button size="md" variant="default" onClick={() => void show(member.id)}>
              {t('show', { hospital: namedInLine(member.name) })}
            </Button>
          </div>
        ))}
        {all.length === 0 ? (
          <div>
            <Button size="md" variant="default" onClick={() => void look(members.map(({ id }) => id))}>
              {t('look')}
            </Button>
            <Text size="sm">{t('lookHint')}</Text>
          </div>
        ) : null}
        <div>
          <Button size="md" variant="default" renderRoot={(props) => <Link to="/helpers" {...props} />}>
            {t('back')}
          </Button>
        </div>
      </Stack>
    </Page>
  )
}

/** The helper's client for one person, and what the hospital says that it may do. */
function useHelped(member: Member, number: number, words: string) {
  const { chain } = useNetwork()
  const client = useQuery({
    queryKey: ['helped-client', member.id, number],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const [{ createPatientClient }, { codeToHelp }] = await Promise.all([
        import('../../../../patient/client.ts'),
        import('../../../../patient/helpers.ts'),
      ])
      const options = { broker: member.broker, member: member.id, words, chain, helper: number, retry: true }
      return { client: createPatientClient(options), code: codeToHelp(words, member.id, number) }
    },
  })
  const helped = useQuery({
    queryKey: ['helped', member.id, number],
    enabled: client.data !== undefined,
    refetchInterval: LOOK_EVERY,
    retry: false,
    queryFn: async () => {
      const helper = client.data?.client
      if (!helper) return null
      try {
        return { ...(await helper.helping()), consents: await helper.consents() }
      } catch (error) {
        // Whoever is not appointed is not known here.
        const code = (error as { code?: string }).code ?? ''
        if (['signer-unknown', 'session-expired', 'not-within-bounds'].includes(code)) return null
        throw error
      }
    },
  })
  return { made: client.data, helped }
}

function Helped({
  member,
  number,
  words,
  onDo,
}: {
  member: Member
  number: number
  words: string
  onDo: (doing: Doing) => void
}) {
  const t = useTranslations('helpers')
  const home = useTranslations('own')
  const format = useFormatter()
  const terms = useTerms()
  const { made, helped } = useHelped(member, number, words)
  const at = { hospital: namedInLine(member.name) }
  if (!made) return null
  const { data, isError } = helped
  if (!data) {
    return (
      <Paper withBorder p="lg">
        <Title order={2} size="h3">
          {t('yourCode', at)}
        </Title>
        <p className={classes.code} data-code={made.code}>
          {made.code.split('-').map((group) => (
            <span key={group}>{group}</span>
          ))}
        </p>
        <Text>{t('codeFor')}</Text>
        <CopyButton value={made.code}>
          {({ copied, copy }) => (
            <Button size="md" mt="sm" variant="default" onClick={copy}>
              {copied ? t('copied') : t('copy')}
            </Button>
          )}
        </CopyButton>
        <Text role="status" mt="sm">
          {isError ? home('silent', at) : t('waits')}
        </Text>
      </Paper>
    )
  }
  const shares = ownShares(data.consents, today()).filter(
    ({ standing }) => standing === 'open' || standing === 'later',
  )
  const hospital = { member, client: made.client }
  const { bounds } = data
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h3">
        {t('person', { number: number + 1, ...at })}
      </Title>
      <dl className={own.facts}>
        <div>
          <dt>{t('youMay')}</dt>
          <dd>
            <May bounds={bounds} scopes={data.scopes} />
          </dd>
        </div>
        <div>
          <dt>{t('until')}</dt>
          <dd>{dayInWords(bounds.until, { format })}</dd>
        </div>
      </dl>
      <Title order={3} size="h4">
        {t('sees')}
      </Title>
      {!bounds.mayRevoke && !bounds.mayGrant ? <Text>{t('cannotSee')}</Text> : null}
      {(bounds.mayRevoke || bounds.mayGrant) && shares.length === 0 ? <Text>{t('seesNobody')}</Text> : null}
      <ul className={classes.list}>
        {shares.map(({ to, purpose, consent: { terms: what } }) => (
          <li key={`${to.granteeType} ${to.grantee} ${purpose}`}>
            <Text fw={600} component="div">
              <PartyName to={to} />
            </Text>
            <Text>
              {terms.purpose(purpose)}
              {what ? `; ${terms.inline(terms.someClasses(what.dataClasses))}` : ''}
            </Text>
            {bounds.mayRevoke ? (
              <Button
                size="md"
                mt="xs"
                variant="default"
                onClick={() =>
                  onDo({
                    hospital,
                    title: t('stopTitle'),
                    label: t('stopGo'),
                    prepare: (client) => client.prepare.revoke({ to, purpose }),
                  })
                }
              >
                {t('stop', { party: namedInLine(terms.party(to)) })}
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {bounds.mayLock && !data.consents.locked ? (
        <Button
          size="md"
          mt="md"
          variant="default"
          onClick={() =>
            onDo({
              hospital,
              title: t('pauseTitle'),
              label: t('pauseGo'),
              prepare: (client) => client.prepare.lock(),
            })
          }
        >
          {t('pauseGo')}
        </Button>
      ) : null}
    </Paper>
  )
}

function DoFor({ hospital, title, label, prepare, onBack }: Doing & { onBack: () => void }) {
  const t = useTranslations('helpers')
  const signing = useSigning([
    {
      hospital,
      prepare,
      // Not among the helper's own consents.
      standing: async (client, shown) => standingIn(await client.consents(), shown),
    },
  ])
  return (
    <Page key={String(signing.over)} title={signing.over ? t('stopped') : title} lead={t('stopLead')}>
      <Acts signing={signing} label={label} />
      {signing.busy ? null : (
        <div className={own.actions}>
          <Button size="lg" variant="default" onClick={onBack}>
            {t('back2')}
          </Button>
        </div>
      )}
    </Page>
  )
}
