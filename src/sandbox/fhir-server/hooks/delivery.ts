import type { VersionRow } from '../tables.ts'
import type { Hook } from './hook.ts'

/** How long an endpoint may take to answer, in milliseconds. */
const PATIENCE = 5_000

/** `refused`: the endpoint does not want it, so that asking again is useless. `failed`: it may succeed later. */
export type DeliveryResult = 'delivered' | 'refused' | 'failed'

/** Sends one version as HAPI does: PUT with its body, or DELETE. */
export function deliverVersion(
  hook: Hook,
  version: VersionRow,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const url = `${hook.endpoint}/${version.type}/${version.id}`
  if (version.body === null) return send(url, { method: 'DELETE', headers: hook.headers }, signal)
  const headers = {
    ...hook.headers,
    'content-type': 'application/fhir+json; charset=UTF-8',
    'if-match': `W/"${version.version}"`,
  }
  return send(url, { method: 'PUT', headers, body: version.body }, signal)
}

/** Says that there is news, and nothing more. */
export function deliverNotice(hook: Hook, signal: AbortSignal): Promise<DeliveryResult> {
  return send(hook.endpoint, { method: 'POST', headers: hook.headers }, signal)
}

async function send(url: string, init: RequestInit, signal: AbortSignal): Promise<DeliveryResult> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    })
    await response.body?.cancel()
    if (response.ok) return 'delivered'
    const permanent =
      response.status >= 400 && response.status < 500 && ![408, 425, 429].includes(response.status)
    return permanent ? 'refused' : 'failed'
  } catch {
    return 'failed'
  }
}
