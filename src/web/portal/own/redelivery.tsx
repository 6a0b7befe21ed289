import { Alert, Container, Stack } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { queries } from '../../shared/providers.tsx'
import { useDevice } from '../device/device.tsx'
import { useTerms } from '../terms.ts'
import { consentsKey } from './hospitals.ts'
import { useKeptFacts } from './kept-facts.ts'
import { namedInLine } from './sentence.ts'
import { beingSent, dropUnsent, listUnsent } from './unsent.ts'

const EVERY = 5_000

type News = { id: string; hospital: string; refused?: unknown }

/** Sends what was signed and did not arrive, while the device is open, and says what has become of it. */
export function Redelivery() {
  const t = useTranslations('own')
  const terms = useTerms()
  const facts = useKeptFacts()
  const { hospitals } = useDevice()
  const [waiting, setWaiting] = useState(0)
  const [news, setNews] = useState<News[]>([])

  useEffect(() => {
    if (hospitals.length === 0) return undefined
    let over = false
    const round = async () => {
      const all = (await listUnsent(facts)).filter(({ id }) => !beingSent.has(id))
      if (over) return
      for (const { id, member, form } of all) {
        const hospital = hospitals.find((one) => one.member.id === member)
        if (!hospital) continue
        beingSent.add(id)
        const { name } = hospital.member
        try {
          await hospital.client.deliver(form)
          await dropUnsent(facts, id)
          setNews((told) => [...told, { id, hospital: name }])
          await queries.invalidateQueries({ queryKey: consentsKey(member) })
        } catch (error) {
          if (!isUnreachable(error)) {
            await dropUnsent(facts, id)
            setNews((told) => [...told, { id, hospital: name, refused: error }])
          }
        } finally {
          beingSent.delete(id)
        }
      }
      const left = await listUnsent(facts)
      if (!over) setWaiting(left.filter(({ id }) => !beingSent.has(id)).length)
    }
    // Two tabs send nothing twice at the same time, though it would do no harm.
    const turn = () =>
      navigator.locks.request('wayleave.redelivery', { ifAvailable: true }, async (lock) => {
        if (lock) await round()
      })
    void turn()
    const timer = setInterval(() => void turn(), EVERY)
    return () => {
      over = true
      clearInterval(timer)
    }
  }, [facts, hospitals])

  if (waiting === 0 && news.length === 0) return null
  return (
    <Container size="sm" px={0} mb="lg" role="status">
      <Stack gap="xs">
        {waiting > 0 ? <Alert color="yellow">{t('unsent', { count: waiting })}</Alert> : null}
        {news.map(({ id, hospital, refused }) => (
          <Alert
            key={id}
            color={refused ? 'red' : 'sea'}
            withCloseButton
            closeButtonLabel={t('done')}
            onClose={() => setNews((told) => told.filter((one) => one.id !== id))}
          >
            {t(refused ? 'resentFailed' : 'resent', {
              hospital: namedInLine(hospital),
              why: terms.error(refused),
            })}
          </Alert>
        ))}
      </Stack>
    </Container>
  )
}

/** No word from the server: whether it took what was sent is not known. A refusal is an answer. */
export function isUnreachable(error: unknown): boolean {
  const { code, status } = (error ?? {}) as { code?: string; status?: number }
  return code === 'broker-unreachable' || (status !== undefined && [502, 503, 504].includes(status))
}
