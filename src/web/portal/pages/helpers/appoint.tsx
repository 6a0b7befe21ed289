import { Button, Checkbox, List, Radio, TextInput, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { periodProblem } from '../../../../domain/consent/period.ts'
import type { DelegateAct } from '../../../../domain/consent/rights.ts'
import { dateOfDay } from '../../../../domain/days.ts'
import { HelperCodeInvalid, readHelperCode } from '../../../../domain/identity/helper-code.ts'
import type { HelperWish, Party } from '../../../../patient/acts.ts'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import { type OwnHospital, useDevice } from '../../device/device.tsx'
import { Acts } from '../../own/acts.tsx'
import { ErrorSummary } from '../../own/error-summary.tsx'
import { today, useOwnConsents } from '../../own/hospitals.ts'
import own from '../../own/own.module.css'
import { PartyName } from '../../own/party-name.tsx'
import { SecureFirst } from '../../own/secure-first.tsx'
import { useSecured } from '../../own/secured.ts'
import { namedInLine } from '../../own/sentence.ts'
import { useSigning } from '../../own/signing.ts'
import { BackToHelpers } from './end.tsx'
import classes from './helpers.module.css'
import { standingOfHelper } from './use-helpers.ts'

const A_YEAR = 365
const YEARS_AT_MOST = 3_652
/** As long as a helper may share at a time. Days. */
const LONGEST = 365

type Filled = {
  hospital: OwnHospital
  code: string
  name: string
  wish: HelperWish
  listed: readonly Party[]
}

/** Lets somebody act for the patient: whom, for what, until when; then the sentences, and the signature. */
export function Appoint() {
  const secured = useSecured()
  const [filled, setFilled] = useState<Filled>()
  if (!secured) return <SecureFirst />
  return filled ? (
    <CheckHelper {...filled} onBack={() => setFilled(undefined)} />
  ) : (
    <Fill onFilled={setFilled} />
  )
}

function Fill({ onFilled }: { onFilled: (filled: Filled) => void }) {
  const t = useTranslations('helpers')
  const format = useFormatter()
  const { hospitals } = useDevice()
  const consents = useOwnConsents()
  const [memberId, setMember] = useState<string>(hospitals[0]?.member.id ?? '')
  const [code, setCode] = useState('')
  const [name, setName] = useState('')
  const [may, setMay] = useState<readonly DelegateAct[]>(['mayRevoke'])
  const [until, setUntil] = useState(dateOfDay(today() + A_YEAR))
  const [tried, setTried] = useState(0)
  const hospital = hospitals.find(({ member }) => member.id === memberId) ?? hospitals[0]
  if (!hospital) return <BackToHelpers title />
  const at = { hospital: namedInLine(hospital.member.name) }
  const shares = (consents.find((one) => one.hospital === hospital)?.shares ?? []).filter(
    ({ standing }) => standing === 'open' || standing === 'later',
  )
  const codeProblem = problemOf(hospital, code)
  const problems = [
    ...(codeProblem ? [{ field: 'code', text: t(codeProblem, at) }] : []),
    ...(name.trim() === '' ? [{ field: 'name', text: t('nameMissing') }] : []),
    ...(may.length === 0 ? [{ field: 'mayRevoke', text: t('mayMissing') }] : []),
    ...(periodProblem({ until }, today()) ? [{ field: 'until', text: t('dateMissing') }] : []),
  ]
  const wrong = (field: string) =>
    tried > 0 ? problems.find((problem) => problem.field === field)?.text : undefined
  const grants = may.includes('mayGrant') && shares.length > 0
  const go = () => {
    if (problems.length > 0) return setTried(tried + 1)
    const listed = shares.map(({ to }) => to)
    const wish: HelperWish = {
      may: may.filter((act) => act !== 'mayGrant' || grants),
      until,
      ...(grants ? { scopes: shares.map(({ to, purpose }) => ({ to, purpose })), longestDays: LONGEST } : {}),
    }
    onFilled({ hospital, code, name: name.trim(), wish, listed: grants ? listed : [] })
  }
  const choose = (act: DelegateAct, chosen: boolean) =>
    setMay(chosen ? [...may, act] : may.filter((one) => one !== act))
  const [first] = problems
  return (
    <Page title={t('appointTitle')} lead={t('appointLead')}>
      {tried > 0 && first ? (
        <ErrorSummary key={tried} title={t('problem')} text={first.text} field={first.field} />
      ) : null}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          go()
        }}
      >
        {hospitals.length > 1 ? (
          <Radio.Group label={t('hospital')} value={memberId} onChange={setMember} className={classes.field}>
            <div className={classes.choices}>
              {hospitals.map(({ member }) => (
                <Radio
                  key={member.id}
                  size="md"
                  value={member.id}
                  label={<Stranger>{member.name}</Stranger>}
                />
              ))}
            </div>
          </Radio.Group>
        ) : null}
        <TextInput
          id="code"
          className={classes.field}
          size="md"
          label={t('code')}
          description={t('codeHint')}
          autoCapitalize="characters"
          autoComplete="off"
          spellCheck={false}
          maxLength={80}
          value={code}
          error={wrong('code')}
          onChange={({ currentTarget }) => setCode(currentTarget.value)}
        />
        <TextInput
          id="name"
          className={classes.field}
          size="md"
          label={t('name')}
          description={t('nameHint')}
          maxLength={80}
          autoComplete="off"
          value={name}
          error={wrong('name')}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <Checkbox.Group
          className={classes.field}
          label={t('mayWhat')}
          error={wrong('mayRevoke')}
          value={[...may]}
        >
          <div className={classes.choices}>
            {(['mayRevoke', 'mayLock', 'mayGrant'] as const).map((act) => (
              <Checkbox
                key={act}
                id={act}
                size="md"
                value={act}
                label={t(act)}
                disabled={act === 'mayGrant' && shares.length === 0}
                {...(act === 'mayGrant' && shares.length === 0 ? { description: t('mayGrantNone', at) } : {})}
                onChange={({ currentTarget }) => choose(act, currentTarget.checked)}
              />
            ))}
          </div>
        </Checkbox.Group>
        <TextInput
          id="until"
          className={classes.field}
          size="md"
          type="date"
          label={t('untilWhen')}
          description={
            periodProblem({ until }, today())
              ? undefined
              : format.dateTime(new Date(`${until}T00:00:00Z`), { dateStyle: 'full', timeZone: 'UTC' })
          }
          min={dateOfDay(today())}
          max={dateOfDay(today() + YEARS_AT_MOST)}
          value={until}
          error={wrong('until')}
          onChange={({ currentTarget }) => setUntil(currentTarget.value)}
        />
        <div className={`${own.actions} ${classes.field}`}>
          <Button type="submit" size="lg">
            {t('next')}
          </Button>
          <Button size="lg" variant="default" renderRoot={(props) => <Link to="/helpers" {...props} />}>
            {t('cancel')}
          </Button>
        </div>
      </form>
    </Page>
  )
}

function problemOf({ member }: OwnHospital, code: string): 'codeOther' | 'codeShort' | undefined {
  try {
    readHelperCode(member.id, code)
    return undefined
  } catch (error) {
    return error instanceof HelperCodeInvalid && error.complete ? 'codeOther' : 'codeShort'
  }
}

function CheckHelper({ hospital, code, name, wish, listed, onBack }: Filled & { onBack: () => void }) {
  const t = useTranslations('helpers')
  const signing = useSigning([
    {
      hospital,
      prepare: (client) => client.prepare.appoint({ code, name }, wish),
      standing: standingOfHelper,
    },
  ])
  const { over, busy } = signing
  const named = { name: namedInLine(name) }
  return (
    <Page
      key={String(over)}
      title={over ? t('done', named) : t('checkTitle')}
      lead={over ? t('doneLead') : t('checkLead', named)}
    >
      {listed.length > 0 && !over ? (
        <section>
          <Title order={2} size="h4">
            {t('listed')}
          </Title>
          <List>
            {listed.map((to) => (
              <List.Item key={`${to.granteeType} ${to.grantee}`}>
                <PartyName to={to} />
              </List.Item>
            ))}
          </List>
        </section>
      ) : null}
      <Acts signing={signing} label={t('signGo')} />
      <div className={own.actions}>
        {over ? <BackToHelpers /> : null}
        {over || busy ? null : (
          <Button size="lg" variant="default" onClick={onBack}>
            {t('cancel')}
          </Button>
        )}
      </div>
    </Page>
  )
}
