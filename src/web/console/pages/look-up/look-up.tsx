import { Alert, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { Page } from '../../../shared/page.tsx'
import { Stranger } from '../../../shared/stranger.tsx'
import type { LookedUp } from '../../answers.ts'
import { ask, codeOf } from '../../api.ts'
import { BusyButton } from '../../parts/busy-button.tsx'
import { fieldsOf } from '../../parts/fields.ts'
import { useTerms } from '../../parts/terms.ts'
import { Trouble } from '../../parts/trouble.tsx'
import { WayTo } from '../../parts/way-to.tsx'
import { asStaff, useMayAct } from '../../session.tsx'

const REASONS = [
  'asked-by-patient',
  'asked-by-court',
  'asked-by-authority',
  'misuse-inquiry',
  'books-inquiry',
]
const SYSTEMS = {
  'http://fhir.nl/fhir/NamingSystem/bsn': 'bsn',
  'urn:oid:1.3.6.1.4.1.19126.3': 'dni',
  'http://hl7.org/fhir/sid/us-ssn': 'ssn',
} as const

/** Finding a person by their number, or whose a handle is: with a reason that they can read. */
export function LookUp() {
  const t = useTranslations('lookUp')
  const mayAct = useMayAct()
  if (!mayAct)
    return (
      <Page title={t('title')}>
        <Alert>{t('auditor')}</Alert>
      </Page>
    )
  return (
    <Page title={t('title')} lead={t('lead')}>
      <ByNumber />
      <ByHandle />
    </Page>
  )
}

function ByNumber() {
  const t = useTranslations('lookUp')
  const { send, busy, code, result } = useAsking<LookedUp>((fields) =>
    ask('POST', 'look-ups', {
      identifier: `${fields.system}|${fields.number?.trim()}`,
      reason: fields.reason,
      note: fields.note,
    }),
  )
  return (
    <form onSubmit={(event) => void send(event)} aria-label={t('byNumber')}>
      <Stack>
        <NativeSelect
          name="system"
          label={t('system')}
          data={Object.entries(SYSTEMS).map(([value, key]) => ({ value, label: t(`systems.${key}`) }))}
        />
        <TextInput
          name="number"
          label={t('number')}
          required
          maxLength={40}
          autoComplete="off"
          spellCheck={false}
        />
        <Why />
        <Trouble code={code} />
        <BusyButton type="submit" busy={busy} w="fit-content">
          {t('find')}
        </BusyButton>
        {result ? (
          <Result>
            <Text>{t(result.known, { count: result.lines })}</Text>
            <Found reference={result.reference} />
          </Result>
        ) : null}
      </Stack>
    </form>
  )
}

function ByHandle() {
  const t = useTranslations('lookUp')
  type Resolved = { reference: string; patient: string; closed?: 'moved' | 'ended' }
  const { send, busy, code, result } = useAsking<Resolved>(({ handle, reason, note }) =>
    ask('POST', 'resolutions', { handle: handle?.trim(), reason, note }),
  )
  return (
    <details>
      <summary>{t('byHandle')}</summary>
      <form onSubmit={(event) => void send(event)} aria-label={t('byHandle')}>
        <Stack mt="md">
          <Text>{t('handleText')}</Text>
          <TextInput
            name="handle"
            label={t('handle')}
            required
            maxLength={80}
            autoComplete="off"
            spellCheck={false}
          />
          <Why />
          <Trouble code={code} />
          <BusyButton type="submit" busy={busy} w="fit-content">
            {t('resolve')}
          </BusyButton>
          {result ? (
            <Result>
              <Text>
                {t('is')} <Stranger bold>{result.patient}</Stranger>
              </Text>
              {result.closed ? <Text>{t('closed')}</Text> : null}
              <Found reference={result.reference} />
            </Result>
          ) : null}
        </Stack>
      </form>
    </details>
  )
}

function Why() {
  const t = useTranslations('lookUp')
  const term = useTerms()
  return (
    <>
      <NativeSelect
        name="reason"
        label={t('reason')}
        required
        defaultValue=""
        data={[
          { value: '', label: t('choose') },
          ...REASONS.map((value) => ({ value, label: term('reason', value) })),
        ]}
      />
      <Textarea
        name="note"
        label={t('note')}
        description={t('noteText')}
        required
        minLength={10}
        maxLength={200}
        rows={2}
      />
    </>
  )
}

/** It takes the focus, so that whoever listens hears it. */
function Result({ children }: { children: ReactNode }) {
  const t = useTranslations('lookUp')
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => box.current?.focus(), [])
  return (
    <Alert ref={box} tabIndex={-1} role="status" title={t('found')}>
      <Stack gap="xs">{children}</Stack>
    </Alert>
  )
}

function Found({ reference }: { reference: string }) {
  const t = useTranslations('lookUp')
  return (
    <>
      <WayTo to="/timeline" search={{ of: reference }}>
        {t('timeline')}
      </WayTo>
      <WayTo to="/reports" search={{ of: reference }}>
        {t('report')}
      </WayTo>
      <WayTo to="/holds" search={{ of: reference }}>
        {t('hold')}
      </WayTo>
    </>
  )
}

/** Sends a form once, and keeps nothing of it but the answer. */
function useAsking<T>(asking: (fields: Record<string, string>) => Promise<T>) {
  const [busy, setBusy] = useState(false)
  const [code, setCode] = useState<string>()
  const [result, setResult] = useState<T>()
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const fields = fieldsOf(event.currentTarget)
    setBusy(true)
    setCode(undefined)
    setResult(undefined)
    try {
      setResult(await asStaff(() => asking(fields)))
    } catch (error) {
      setCode(codeOf(error))
    } finally {
      setBusy(false)
    }
  }
  return { send, busy, code, result }
}
