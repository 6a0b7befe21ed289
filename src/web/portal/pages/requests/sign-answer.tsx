import { useEffect, useState } from 'react'
import { answerWish } from '../../../../patient/client.ts'
import { Acts } from '../../own/acts.tsx'
import { useSigning } from '../../own/signing.ts'
import type { Narrowed } from './narrow.tsx'
import type { Asked } from './use-requests.ts'

/** The answer as it will be signed, word for word, and what becomes of it. */
export function SignAnswer({
  asked: { hospital, request },
  less,
  onSigned,
}: {
  asked: Asked
  less: Narrowed
  /** Once there is nothing left to change. */
  onSigned: () => void
}) {
  // What was wanted when this opened is what is signed, whatever the hospital says of the request meanwhile.
  const [wanted] = useState(() => [
    {
      hospital,
      prepare: (client: typeof hospital.client) => client.prepare.grant(answerWish(request, less)),
    },
  ])
  const signing = useSigning(wanted)
  const { over } = signing
  useEffect(() => {
    if (over) onSigned()
  }, [over, onSigned])
  return <Acts signing={signing} />
}
