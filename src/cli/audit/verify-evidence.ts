import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { JSONWebKeySet } from 'jose'
import { anchoredWindows, anchorsInOrder, type Chain } from '../../chain/anchored-windows.ts'
import { createReport, type ReconciliationReport } from '../../domain/audit/reconcile/findings.ts'
import { createPairing, PAIR_BOUNDS, type ProvenLine } from '../../domain/audit/reconcile/pair.ts'
import type { Hex } from '../../domain/hex.ts'
import { type Evidence, openEvidence } from '../../exchange/evidence.ts'

type Reading = { key: CryptoKey; keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>; chain: Chain }

/**
 * Holds two files of evidence against each other and against the chain, page by page.
 * @throws Error where a file is not whole, the two are not about the same two members and the same period, or one does not verify
 */
export async function compareFiles(
  files: readonly [string, string],
  reading: Reading,
): Promise<ReconciliationReport> {
  const report = createReport()
  const pages = { own: pagesOf(files[0], reading), their: pagesOf(files[1], reading) }
  const first = { own: await pageOf(pages.own, files[0]), their: await pageOf(pages.their, files[1]) }
  const { member: own, peer, since, until } = first.own
  if (first.their.member !== peer || first.their.peer !== own)
    throw new Error('The two files are not about the exchanges of the same two members')
  if (first.their.since !== since || first.their.until !== until)
    throw new Error(
      'The two files are about different periods; export both with the same --since and --until',
    )
  const pairing = createPairing({
    ...{ own, peer, found: (finding) => report.found(finding) },
    // At the edges of the period the counterparts may lie outside of it.
    within: {
      since: since === 0 ? 0 : since + PAIR_BOUNDS.arrival,
      until: until - PAIR_BOUNDS.arrival,
    },
    matched: () => report.compared.matched++,
  })
  const from = Math.floor(since / 1000)
  const anchors = {
    own: anchorsInOrder(anchoredWindows(reading.chain, own, from)),
    their: anchorsInOrder(anchoredWindows(reading.chain, peer, from)),
  }
  const lines = { own: linesOf(first.own, pages.own), their: linesOf(first.their, pages.their) }
  const heads = { own: await next(lines.own), their: await next(lines.their) }
  while (heads.own ?? heads.their) {
    const side = timeOf(heads.own) <= timeOf(heads.their) ? 'own' : 'their'
    const line = heads[side]
    if (!line) break
    pairing.line(side, line, await anchors[side](line.window))
    report.compared[side === 'own' ? 'ownLines' : 'theirLines']++
    heads[side] = await next(lines[side])
    pairing.upTo(Math.min(timeOf(heads.own), timeOf(heads.their)))
  }
  pairing.end()
  return report.report()
}

const timeOf = (line: ProvenLine | undefined): number =>
  line ? Date.parse(line.shared.recorded) : Number.POSITIVE_INFINITY

const next = async (from: AsyncGenerator<ProvenLine>) => (await from.next()).value as ProvenLine | undefined

async function pageOf(pages: AsyncGenerator<Evidence>, file: string): Promise<Evidence> {
  const page = (await pages.next()).value as Evidence | undefined
  if (!page) throw new Error(`${file} is empty`)
  return page
}

async function* linesOf(first: Evidence, more: AsyncGenerator<Evidence>): AsyncGenerator<ProvenLine> {
  yield* first.lines
  for await (const { lines } of more) yield* lines
}

/** Every page continues the one before, of the same member, to the last one: none is left out. */
async function* pagesOf(file: string, { key, keysOf }: Reading): AsyncGenerator<Evidence> {
  let before: Evidence | undefined
  for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) {
    if (line === '') continue
    const page = await openEvidence(line, key, keysOf)
    const place = (at: Evidence['next']) => (at ? `${at.window}/${at.shown}` : 'the beginning')
    if (place(page.after) !== place(before?.next) || (before && !before.next))
      throw new Error(`${file}: a page is missing, or out of order`)
    if (
      before &&
      (['member', 'peer', 'since', 'until'] as const).some((name) => page[name] !== before?.[name])
    )
      throw new Error(`${file}: a page belongs to another export`)
    before = page
    yield page
  }
  if (before?.next) throw new Error(`${file}: its last page is missing`)
}
