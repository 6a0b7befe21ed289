import type { Device } from './browser.ts'

/** What a device's browser has fetched so far. */
export type Loaded = {
  /** Bytes as they came over the wire, headers included, and the paths of scripts and styles. */
  bytes(): { script: number; style: number; files: string[] }
  /** Every address that was asked for, path and query. */
  addresses(): string[]
}

/** Listens to the browser's own account of its network (DevTools protocol, Network domain). */
export async function recordLoads({ cdp }: Device): Promise<Loaded> {
  const requests = new Map<string, { url: URL; type: string; bytes: number }>()
  await cdp.send('Network.enable')
  cdp.on('Network.requestWillBeSent', ({ requestId, request, type }) => {
    if (request.url.startsWith('http'))
      requests.set(requestId, { url: new URL(request.url), type: type ?? '', bytes: 0 })
  })
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId)
    if (request) request.bytes = encodedDataLength
  })
  return {
    bytes() {
      const of = (ending: string) => [...requests.values()].filter(({ url }) => url.pathname.endsWith(ending))
      const sum = (ending: string) => of(ending).reduce((total, { bytes }) => total + bytes, 0)
      const files = ['.js', '.css'].flatMap((ending) =>
        of(ending).map(({ url, bytes }) => `${url.pathname} ${bytes}`),
      )
      return { script: sum('.js'), style: sum('.css'), files }
    },
    addresses: () => [...new Set([...requests.values()].map(({ url }) => `${url.pathname}${url.search}`))],
  }
}
