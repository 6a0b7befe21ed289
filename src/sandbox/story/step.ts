import type { Bundle, DocumentReference } from 'fhir/r4.js'
import type { HisClient } from '../his-client.ts'
import { NotYet, patiently } from '../patiently.ts'

/** What a step found, in a sentence or two; it throws when it did not hold. */
export type Step = { name: string; title: string; run: () => Promise<string> }

/** Asks for the list until it has so many records, and returns it. */
export async function listUntil(
  his: HisClient,
  person: { nationalId: { system: string; value: string } },
  total: number,
) {
  return patiently(async (): Promise<Bundle<DocumentReference>> => {
    const { status, body, code } = await his.list(person.nationalId, 'TREAT')
    if (status !== 200) throw new NotYet(`the list answered ${status} ${code ?? ''}`)
    if (body.total !== total) throw new NotYet(`${body.total} records are listed instead of ${total}`)
    return body
  })
}

/** Asks for a record until it is refused; @throws Error where it is given, or refused otherwise. */
export async function refused(his: HisClient, recordId: string | undefined, purpose: string): Promise<void> {
  if (!recordId) throw new Error('no record was opened before')
  await patiently(async () => {
    const { status, code } = await his.open(recordId, purpose)
    if (status >= 500) throw new NotYet(`source-unavailable ${status}`)
    if (status !== 404 || code !== 'not-available')
      throw new Error(`answered ${status} ${code ?? ''} instead of a refusal`)
  })
}
