import { useCallback, useEffect, useRef, useState } from 'react'
import { type Standing, standingIn } from '../../../domain/consent/standing.ts'
import { scopeHash, type TypedData } from '../../../domain/consent/typed-data.ts'
import type { PatientClient } from '../../../patient/client.ts'
import type { Prepared } from '../../../patient/prepare.ts'
import { queries } from '../../shared/providers.tsx'
import type { OwnHospital } from '../device/device.tsx'
import { consentsKey } from './hospitals.ts'
import { useKeptFacts } from './kept-facts.ts'
import { keepReceipt } from './receipts.ts'
import { isUnreachable } from './redelivery.tsx'
import { beingSent, dropUnsent, keepUnsent, listUnsent } from './unsent.ts'

/** One act that somebody wants to sign at one hospital. */
export type Wanted = {
  hospital: OwnHospital
  prepare: (client: PatientClient) => Promise<Prepared>
  /** Where it shows whether the act stands; in the patient's own consents unless given. */
  standing?: (client: PatientClient, shown: TypedData) => Promise<Standing>
}

/** What has become of it. `shown` is what the page makes its sentences from; only that is ever signed. */
export type Act = Wanted & { key: number } & (
    | { at: 'preparing'; shown?: TypedData }
    | { at: 'ready' | 'signing'; prepared: Prepared; shown: TypedData }
    | { at: 'kept' | 'force' | 'beaten'; shown: TypedData }
    | { at: 'sent' | 'approval'; shown: TypedData; countsAlready: boolean; slow?: boolean }
    | { at: 'failed'; error: unknown; shown?: TypedData }
  )

export type Signing = {
  acts: readonly Act[]
  /** How many wait to be signed. */
  ready: number
  busy: boolean
  /** Whether to wait a little, since an act is still being built. */
  preparing: boolean
  /** Whether each of them is as good as done: in force, or with the hospital. */
  over: boolean
  /** Signs all that is ready, one after another. */
  sign: () => void
  /** Builds what failed anew, to be read and signed again. */
  again: () => void
}

const PAUSE = 700
/** So long the others wait for a hospital that does not answer before they can be signed without it. Milliseconds. */
const TOGETHER = 4_000
/** So long a block may take before we say that it takes long. Milliseconds. */
const SLOW = 20_000

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/**
 * Prepares acts, shows them, signs them as shown and follows each until it is in force. What fails at one hospital stops nothing at
 * another. What was wanted when the page opened stays what is wanted: whoever wants something else makes this component anew.
 */
export function useSigning(wanted: readonly Wanted[]): Signing {
  const facts = useKeptFacts()
  const [acts, setActs] = useState<Act[]>(() => wanted.map((one, key) => ({ ...one, key, at: 'preparing' })))
  const now = useRef(acts)
  const alive = useRef(true)
  const started = useRef(new Set<number>())
  const running = useRef(false)
  const [busy, setBusy] = useState(false)
  const [late, setLate] = useState(false)
  const preparing = acts.some(({ at }) => at === 'preparing')
  useEffect(() => {
    setLate(false)
    if (!preparing) return undefined
    const timer = setTimeout(() => setLate(true), TOGETHER)
    return () => clearTimeout(timer)
  }, [preparing])

  const become = useCallback((key: number, next: Partial<Act> & { at: Act['at'] }) => {
    now.current = now.current.map((act) =>
      act.key === key ? ({ ...wantedIn(act), key, shown: act.shown, ...next } as Act) : act,
    )
    if (alive.current) setActs(now.current)
  }, [])

  const prepare = useCallback(
    async (act: Act) => {
      try {
        const prepared = await act.prepare(act.hospital.client)
        // A copy: should it ever differ from what is signed, nothing is.
        const shown = JSON.parse(JSON.stringify(prepared.data)) as TypedData
        become(act.key, { at: 'ready', prepared, shown })
      } catch (error) {
        become(act.key, { at: 'failed', error })
      }
    },
    [become],
  )

  useEffect(() => {
    alive.current = true
    const fresh = acts.filter(({ at, key }) => at === 'preparing' && !started.current.has(key))
    for (const { key } of fresh) started.current.add(key)
    const places = new Set(fresh.map(({ hospital }) => hospital.member.id))
    for (const place of places) {
      void (async () => {
        for (const act of fresh) if (act.hospital.member.id === place) await prepare(act)
      })()
    }
    return () => {
      alive.current = false
    }
  }, [acts, prepare])

  /** Looks until the act stands, or is beaten. */
  const follow = useCallback(
    async (act: Act, shown: TypedData, countsAlready: boolean) => {
      const { key } = act
      const since = performance.now()
      while (alive.current) {
        const standing = await standingOf(act, shown).catch(() => undefined)
        if (standing) {
          if (standing !== 'not yet') {
            become(key, { at: standing === 'in force' ? 'force' : 'beaten', shown })
            return
          }
        }
        if (performance.now() - since > SLOW) become(key, { at: 'sent', shown, countsAlready, slow: true })
        await pause(PAUSE)
      }
    },
    [become],
  )

  /** What could not be delivered is sent by whoever sends such things; here it is watched. */
  const watch = useCallback(
    async (act: Act, shown: TypedData, id: string) => {
      while (alive.current && (await listUnsent(facts)).some((one) => one.id === id)) await pause(PAUSE)
      if (alive.current) {
        become(act.key, { at: 'sent', shown, countsAlready: false })
        await follow(act, shown, false)
      }
    },
    [become, follow, facts],
  )

  const run = useCallback(
    async (act: Act & { at: 'ready' }) => {
      const { key, prepared, shown, hospital } = act
      const { member } = hospital
      const id = crypto.randomUUID()
      become(key, { at: 'signing', prepared, shown })
      beingSent.add(id)
      let signed = false
      try {
        const { receipt, jws } = await prepared.sign(shown, {
          // Before it is sent: whatever happens then, it is not lost.
          keep: async (act) => {
            const { sealedForm } = await import('../../../patient/sign.ts')
            await keepUnsent(facts, { id, member: member.id, form: await sealedForm(act, member.jwks) })
            signed = true
          },
        })
        await dropUnsent(facts, id)
        if (receipt && jws)
          await keepReceipt(facts, {
            member: member.id,
            ...slotIn(shown),
            act: shown.primaryType,
            receipt,
            jws,
          })
        const countsAlready = receipt?.counts === 'now'
        if (receipt?.counts === 'when approved') become(key, { at: 'approval', shown, countsAlready })
        else if (receipt?.counts === 'no longer') become(key, { at: 'beaten', shown })
        else {
          become(key, { at: 'sent', shown, countsAlready })
          void follow(act, shown, countsAlready)
        }
      } catch (error) {
        if (signed && isUnreachable(error)) {
          become(key, { at: 'kept', shown })
          void watch(act, shown, id)
        } else {
          await dropUnsent(facts, id)
          become(key, { at: 'failed', error })
        }
      } finally {
        beingSent.delete(id)
      }
    },
    [become, follow, watch, facts],
  )

  const sign = useCallback(() => {
    // A second click finds the first at work.
    if (running.current) return
    running.current = true
    setBusy(true)
    void (async () => {
      try {
        for (const { key } of now.current) {
          const act = now.current.find((one) => one.key === key)
          if (act?.at === 'ready') await run(act as Act & { at: 'ready' })
        }
      } finally {
        running.current = false
        if (alive.current) setBusy(false)
      }
    })()
  }, [run])

  const again = useCallback(() => {
    for (const { at, key } of now.current) {
      if (at !== 'failed' && at !== 'beaten') continue
      started.current.delete(key)
      become(key, { at: 'preparing' })
    }
  }, [become])

  return {
    acts,
    ready: acts.filter(({ at }) => at === 'ready').length,
    busy,
    preparing: preparing && !late,
    over: acts.length > 0 && acts.every(({ at }) => ['force', 'approval', 'sent', 'kept'].includes(at)),
    sign,
    again,
  }
}

const wantedIn = ({ hospital, prepare, standing }: Wanted): Wanted => ({
  ...{ hospital, prepare },
  ...(standing ? { standing } : {}),
})

async function standingOf({ hospital, standing }: Wanted, shown: TypedData): Promise<Standing> {
  if (standing) return standing(hospital.client, shown)
  const own = await hospital.client.consents()
  queries.setQueryData(consentsKey(hospital.member.id), own)
  return standingIn(own, shown)
}

const slotIn = ({ message }: TypedData) => ('scope' in message ? { slot: scopeHash(message.scope) } : {})
