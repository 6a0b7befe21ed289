import type { JSONWebKeySet, JWK } from 'jose'
import { anchoredWindows, anchorsInOrder } from '../../../chain/anchored-windows.ts'
import { createPairing, PAIR_BOUNDS, type ProvenLine } from '../../../domain/audit/reconcile/pair.ts'
import { wayleaveError } from '../../../domain/errors.ts'
import type { Hex } from '../../../domain/hex.ts'
import {
  type EvidencePlace,
  openEvidence,
  requestDigest,
  sealEvidenceRequest,
} from '../../../exchange/evidence.ts'
import type { PeerClient } from '../../../exchange/peer-client.ts'
import type { IndexQueries } from '../../../indexer/index.ts'
import type { CompareDeps } from './compare-log.ts'
import { type EvidencePage, showEvidence } from './show-evidence.ts'

export type PeerDeps = CompareDeps & {
  peers: Pick<PeerClient, 'postEvidence'>
  index: Pick<IndexQueries, 'profile'>
  signing: { key: CryptoKey; kid: string }
  sealing: CryptoKey
  keysOf: (member: Hex) => Promise<JSONWebKeySet | undefined>
}

/** What either side says is read so far beyond the period, for the counterparts. Milliseconds. */
const MARGIN = PAIR_BOUNDS.arrival
/** Nobody keeps this broker reading for ever; ten million lines. */
const MOST_PAGES = 50_000

/**
 * This member's side of its exchanges with another one against that one's, which its broker is asked for page by page.
 * @throws WayleaveError where the other broker cannot be asked, or answers with what is no evidence; then nothing is said of it
 */
export async function comparePeer(deps: PeerDeps, peer: Hex): Promise<void> {
  const { report, member, since, until } = deps
  const period = { since: Math.max(0, since - MARGIN), until: until + MARGIN }
  const findings: Parameters<typeof report.found>[0][] = []
  const pairing = createPairing({
    ...{ own: member, peer, within: { since, until } },
    found: (finding) => findings.push(finding),
    matched: () => report.compared.matched++,
  })
  const from = Math.floor(period.since / 1000)
  const anchors = {
    own: anchorsInOrder(anchoredWindows(deps.chain, member, from)),
    their: anchorsInOrder(anchoredWindows(deps.chain, peer, from)),
  }
  const sides = {
    own: linesOf((after) => showEvidence(deps, peer, { ...period, ...(after ? { after } : {}) })),
    their: linesOf((after) => asked(deps, peer, { ...period, ...(after ? { after } : {}) })),
  }
  const heads = { own: await next(sides.own), their: await next(sides.their) }
  while (heads.own ?? heads.their) {
    deps.goOn()
    const side = timeOf(heads.own) <= timeOf(heads.their) ? 'own' : 'their'
    const line = heads[side]
    if (!line) break
    pairing.line(side, line, await anchors[side](line.window))
    report.compared[side === 'own' ? 'ownLines' : 'theirLines']++
    heads[side] = await next(sides[side])
    pairing.upTo(Math.min(timeOf(heads.own), timeOf(heads.their)))
    deps.progress(report.compared.ownLines + report.compared.theirLines, null)
    for (const finding of findings.splice(0)) report.found(finding)
  }
  pairing.end()
  for (const finding of findings) report.found(finding)
}

const timeOf = (line: ProvenLine | undefined): number =>
  line ? Date.parse(line.shared.recorded) : Number.POSITIVE_INFINITY

const next = async (from: AsyncGenerator<ProvenLine>) => (await from.next()).value as ProvenLine | undefined

/** Lines of all pages, page by page; pages that do not go on end it. */
async function* linesOf(
  page: (after: EvidencePlace | undefined) => Promise<EvidencePage>,
): AsyncGenerator<ProvenLine> {
  let after: EvidencePlace | undefined
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const { lines, next: place } = await page(after)
    yield* lines
    if (!place) return
    if (
      after &&
      (place.window < after.window || (place.window === after.window && place.shown <= after.shown))
    )
      throw wayleaveError('response-invalid', 'pages of evidence that do not go on')
    after = place
  }
  throw wayleaveError('response-invalid', 'evidence without end')
}

async function asked(
  deps: PeerDeps,
  peer: Hex,
  period: { since: number; until: number; after?: EvidencePlace },
): Promise<EvidencePage> {
  const profile = await deps.index.profile(peer)
  const seal = profile?.jwks.keys.find(({ use }) => use === 'enc')
  if (!profile || !seal) throw wayleaveError('peer-unavailable', 'a member without a profile')
  const at = Math.floor(deps.now() / 1000)
  const request = { ...period, from: deps.member, to: peer, at }
  const sealed = await sealEvidenceRequest(request, deps.signing, seal as JWK)
  const answer = await deps.peers.postEvidence(profile, sealed)
  const expected = { member: peer, peer: deps.member, answers: requestDigest(sealed) }
  const { lines, next: place } = await openEvidence(answer, deps.sealing, deps.keysOf, expected)
  return { lines, ...(place ? { next: place } : {}) }
}
