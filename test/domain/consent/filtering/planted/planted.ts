/** Bundles into which something was planted that may not come out, and the same Bundles without it. */
import { BASE, BSN } from '../answers.ts'
import { BAD } from './bad.ts'
import { GOOD, patient } from './good.ts'
import { createWorld, type Entry, type Group, type World } from './world.ts'

export type Planted = {
  /** With and without what was planted. */
  dirty: Uint8Array
  clean: Uint8Array
  /** Strings that have to come out, and strings that may not. */
  wanted: string[]
  forbidden: string[]
  kinds: string[]
  patient: { reference: string; identifiers: { system: string; value: string }[] }
  base?: string
  scope?: string[]
  permitsNormal: boolean
}

export function plant(seed: number): Planted {
  const world = createWorld(seed)
  const { draw } = world
  const good: Group[] = [
    ...(world.patientUrn !== undefined || draw.chance(0.5) ? [patient(world)] : []),
    ...Array.from({ length: 1 + draw.below(5) }, () => draw.one(GOOD)(world)),
  ]
  const kinds = Array.from({ length: 1 + draw.below(6) }, () => draw.one(Object.keys(BAD)))
  const bad = kinds.flatMap((kind) => BAD[kind]?.(world) ?? [])
  const entries = draw.shuffled([
    ...good.flatMap(({ entries: some }) => some.map((entry) => ({ entry, isBad: false }))),
    ...bad.flatMap(({ entries: some }) => some.map((entry) => ({ entry, isBad: true }))),
  ])
  const around = draw.canary()
  const dirty = entries.map(({ entry }) => textOf(entry, world, around))
  const clean = entries.filter(({ isBad }) => !isBad).map(({ entry }) => textOf(entry, world))
  const isAddressed = draw.chance(0.3)
  const encode = (text: string) => new TextEncoder().encode(text)
  return {
    dirty: encode(bundle(world, dirty, around)),
    clean: encode(bundle(world, clean)),
    wanted: good.flatMap(({ canaries }) => canaries),
    forbidden: [around, ...bad.flatMap(({ canaries }) => canaries)],
    kinds,
    permitsNormal: world.permitsNormal,
    patient: {
      reference: isAddressed ? `${BASE}/Patient/p` : 'Patient/p',
      identifiers: world.knowsNumber ? [{ system: BSN, value: world.number }] : [],
    },
    ...(isAddressed ? {} : { base: BASE }),
    ...(world.scope ? { scope: world.scope } : {}),
  }
}

/** The text of an entry; with a canary, everything around the resource tells of it. */
function textOf(
  { resource, isIncluded, fullUrl, request, response, spoil }: Entry,
  { type }: World,
  around?: string,
): string {
  const search = {
    mode: isIncluded ? 'include' : 'match',
    ...(around === undefined ? {} : { score: 0.918273 }),
  }
  const tells =
    around === undefined ? {} : { link: [{ relation: 'next', url: around }], extension: [{ url: around }] }
  const headers =
    around === undefined
      ? { status: '200' }
      : {
          status: `200 ${around}`,
          location: around,
          etag: around,
          lastModified: around,
          outcome: { resourceType: 'OperationOutcome', id: around },
        }
  const isAnswer = ['history', 'batch-response'].includes(type)
  const text = JSON.stringify({
    ...(resource ? { resource } : {}),
    ...(fullUrl === undefined ? {} : { fullUrl }),
    ...(type === 'searchset' ? { search } : {}),
    ...(isAnswer && !response ? { response: headers } : {}),
    ...(response ? { response } : {}),
    ...(request ? { request } : {}),
    ...tells,
  })
  return spoil ? spoil(text) : text
}

function bundle({ type }: World, entries: readonly string[], around?: string): string {
  const tells = {
    id: around,
    total: 918_273,
    link: [{ relation: 'next', url: around }],
    meta: { source: around, tag: [{ code: around }] },
    identifier: { system: 'urn:x', value: around },
    signature: { data: around },
  }
  const fields = JSON.stringify({ resourceType: 'Bundle', type, ...(around === undefined ? {} : tells) })
  return `${fields.slice(0, -1)},"entry":[${entries.join(',')}]}`
}
