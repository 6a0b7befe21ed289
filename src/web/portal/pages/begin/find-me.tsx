import { Alert, Button, NativeSelect, Stack, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Navigate, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { systemClock } from '../../../../domain/clock.ts'
import { checkNationalId } from '../../../../domain/identity/national-ids.ts'
import { createFindMe } from '../../../../patient/find-me.ts'
import { Page } from '../../../shared/page.tsx'
import { useOnce } from '../../../shared/use-once.ts'
import { useDevice } from '../../device/device.tsx'
import { type Member, useMember } from '../../network.tsx'
import { namedInLine } from '../../own/sentence.ts'
import { useDraft } from './draft.tsx'
import { ErrorSummary, type Problem } from './error-summary.tsx'
import { nowText } from './take-in.ts'
import { Trouble } from './trouble.tsx'
import { Ways } from './ways.tsx'

/** Second question: who are you there? What is typed goes to that hospital and is kept nowhere here. */
export function FindMe() {
  const { draft } = useDraft()
  const member = useMember(draft.member ?? '0x')
  return member ? <Form member={member} /> : <Navigate to="/begin/hospital" replace />
}

function Form({ member }: { member: Member }) {
  const t = useTranslations('begin')
  const { note, pending, state } = useDevice()
  const { draft } = useDraft()
  const navigate = useNavigate()
  const [chosen, setChosen] = useState('')
  const [number, setNumber] = useState('')
  const [contact, setContact] = useState('')
  const [problems, setProblems] = useState<Problem[]>([])
  const finding = createFindMe({ broker: member.broker, clock: systemClock, retry: true })
  const systems = useQuery({
    queryKey: ['systems', member.id],
    queryFn: () => finding.identifierSystems(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const kinds = systems.data ?? []
  const kind = kinds.find(({ system }) => system === chosen) ?? kinds[0]

  const asking = useOnce(
    async (identifier: { system: string; value: string }) => {
      const asked = finding.ask({ identifier, contact: contact.trim() })
      const { enrolment } = await asked.finally(() => setProblems([]))
      const others = pending.filter((one) => one.member !== member.id)
      await note({ pending: [...others, { member: member.id, enrolment, askedAt: nowText() }] })
      const ready = state === 'open' || draft.words !== undefined
      await navigate({ to: ready ? '/begin/code' : '/begin/new-words' })
    },
    { leadsOn: true },
  )

  function send() {
    const checked = kind ? checkNationalId({ system: kind.system, value: number }) : undefined
    const found: Problem[] = []
    if (number.trim() === '') found.push({ field: 'number', text: t('numberMissing') })
    else if (!checked?.ok) found.push({ field: 'number', text: t('numberWrong', { kind: kind?.name ?? '' }) })
    if (contact.trim() === '') found.push({ field: 'contact', text: t('contactMissing') })
    // What is complained of stays until there is an answer: a page that moves under a second click takes it for another.
    if (found.length > 0) setProblems(found)
    else if (checked?.ok) asking.mutate(checked.identifier)
  }
  const problemAt = (field: string) => problems.find((one) => one.field === field)?.text
  // Of the kinds that we know only the Spanish one holds a letter.
  const inputMode = kind?.country === 'ES' ? 'text' : 'numeric'
  return (
    <Page title={t('meTitle')} lead={t('meLead', { hospital: namedInLine(member.name) })}>
      {systems.error ? <Trouble error={systems.error} /> : null}
      {systems.error ? (
        <Button variant="default" onClick={() => void systems.refetch()}>
          {t('again')}
        </Button>
      ) : null}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          send()
        }}
      >
        <Stack gap="lg">
          <ErrorSummary problems={problems} />
          {kinds.length > 1 ? (
            <NativeSelect
              label={t('kindLabel')}
              value={kind?.system ?? ''}
              onChange={({ currentTarget }) => setChosen(currentTarget.value)}
              data={kinds.map(({ system, name, country }) => ({
                value: system,
                label: t('kind', { name, country }),
              }))}
            />
          ) : null}
          <TextInput
            id="number"
            label={t('numberLabel', { kind: kind?.name ?? '' })}
            description={t('numberHint')}
            inputMode={inputMode}
            autoComplete="off"
            spellCheck={false}
            error={problemAt('number')}
            value={number}
            onChange={({ currentTarget }) => setNumber(currentTarget.value)}
          />
          <TextInput
            id="contact"
            label={t('contactLabel')}
            description={t('contactHint')}
            autoComplete="email"
            spellCheck={false}
            error={problemAt('contact')}
            value={contact}
            onChange={({ currentTarget }) => setContact(currentTarget.value)}
          />
          <Alert color="gray">{t('numberGoes')}</Alert>
          <Trouble error={asking.error} />
          <Button type="submit" size="lg" disabled={!kind} loading={asking.isPending}>
            {t('askForCode')}
          </Button>
          <Ways ways={[{ to: '/begin/no-phone', text: t('contactOld') }]} />
        </Stack>
      </form>
    </Page>
  )
}
