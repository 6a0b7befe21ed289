import type { JWK } from 'jose'
import { addLine, type CanonicalRow, sha256 } from '../../domain/evidence/canonical-row.ts'
import { type Checkpoint, contradict, digestOf } from '../../domain/evidence/checkpoint.ts'
import type { Hex } from '../../domain/hex.ts'
import { openCheckpoint } from '../../exchange/checkpoint.ts'

/** One line of an export. What counts is in the JWS; the rest says where it comes from. */
export type Exported = {
  /** The member that exports. */
  by: string
  member: string
  block: number
  verdict: string
  at: string
  /** The key with which it was verified there. */
  jwk: JWK
  jws: string
}

/** The lines of a dump, its first one too. */
export type Dump = AsyncIterable<string>

export type Finding = {
  kind: 'unsigned' | 'key' | 'contradiction' | 'split' | 'rows'
  member: string
  block: number
  /** The signatures that show it. */
  evidence: string[]
}

export type Comparison = {
  checkpoints: number
  members: number
  newest: number
  /** How many were held against the dump. */
  checked: number
  findings: Finding[]
}

/** Verifies every checkpoint and finds whoever contradicts whom: from what was handed over, and nothing else. */
export async function findSplits(exports: readonly Exported[], dump?: Dump): Promise<Comparison> {
  const findings: Finding[] = []
  const read = dump && (await readDump(dump))
  const keys = read?.keys ?? keysIn(exports, findings)
  const said = new Map<string, { checkpoint: Checkpoint; jws: string }>()
  for (const { member, block, jws } of exports) {
    try {
      const { checkpoint } = await openCheckpoint(jws, async (id) => ({ keys: keys.get(id) ?? [] }))
      said.set(digestOf(checkpoint), { checkpoint, jws })
    } catch {
      findings.push({ kind: 'unsigned', member: String(member), block: Number(block), evidence: [jws] })
    }
  }
  const all = [...said.values()].sort((a, b) => a.checkpoint.block - b.checkpoint.block)
  for (const same of Map.groupBy(all, ({ checkpoint: { chainId, block } }) => `${chainId}/${block}`).values())
    findings.push(...splitsOf(same))
  let checked = 0
  for (const { checkpoint, jws } of all) {
    const { view, block, rows, rowsHash, member } = checkpoint
    if (!read || view !== read.view || block > read.last) continue
    checked++
    const here = read.at(block)
    if (here.rows !== rows || here.hash !== rowsHash)
      findings.push({ kind: 'rows', member, block, evidence: [jws] })
  }
  return {
    checkpoints: said.size,
    members: new Set(all.map(({ checkpoint }) => checkpoint.member)).size,
    newest: all.at(-1)?.checkpoint.block ?? 0,
    checked,
    findings,
  }
}

/** Of one block: each member once for what contradicts itself, and once for what contradicts others. */
function splitsOf(same: readonly { checkpoint: Checkpoint; jws: string }[]): Finding[] {
  return same.flatMap(({ checkpoint, jws }) => {
    const { member, block } = checkpoint
    const against = same.filter((other) => contradict({ ...other.checkpoint, member }, checkpoint))
    const itself = against.filter((other) => other.checkpoint.member === member)
    const others = against.filter((other) => other.checkpoint.member !== member)
    const finding = (kind: Finding['kind'], by: typeof against): Finding[] =>
      by.length === 0 ? [] : [{ kind, member, block, evidence: [jws, ...by.map((one) => one.jws)] }]
    return [...finding('contradiction', itself), ...finding('split', others)]
  })
}

/** Keys as the exporters say; two that name one key of one member differently cannot both be honest. */
function keysIn(exports: readonly Exported[], findings: Finding[]): Map<string, JWK[]> {
  const keys = new Map<string, JWK[]>()
  for (const { member, block, jwk, jws } of exports) {
    const known = keys.get(member) ?? []
    const same = known.find(({ kid }) => kid === jwk.kid)
    if (!same) keys.set(member, [...known, jwk])
    else if (same.x !== jwk.x || same.y !== jwk.y)
      findings.push({ kind: 'key', member, block, evidence: [jws] })
  }
  return keys
}

/** Goes through a dump once: the hash at each hundredth block, and every key that a member has ever published. */
async function readDump(dump: Dump) {
  const keys = new Map<string, JWK[]>()
  const states: { block: number; rows: number; hash: Hex }[] = []
  let view: Hex | undefined
  let place = 0
  for await (const line of dump) {
    if (view === undefined) {
      view = sha256(line)
      states.push({ block: -1, rows: 0, hash: view })
      continue
    }
    const { block, event, args } = JSON.parse(line) as CanonicalRow
    const last = states.at(-1) as (typeof states)[number]
    const next = { block, rows: last.rows + 1, hash: addLine(last.hash, line) }
    // Of each block the state after its last row is all that is needed.
    if (last.block === block) states[states.length - 1] = next
    else states.push(next)
    if (event === 'ProfileSet') publish(keys, String(args.member), String(args.profile))
  }
  if (view === undefined) throw new Error('The dump is empty')
  return {
    view,
    keys,
    /** Blocks after the last event are not known to be in the dump. */
    last: states.at(-1)?.block ?? -1,
    /** To be asked in ascending order. */
    at(block: number) {
      while ((states[place + 1]?.block ?? Number.POSITIVE_INFINITY) <= block) place++
      return states[place] as (typeof states)[number]
    },
  }
}

function publish(keys: Map<string, JWK[]>, member: string, profile: string): void {
  try {
    const { jwks } = JSON.parse(profile) as { jwks?: { keys?: JWK[] } }
    keys.set(member, [...(keys.get(member) ?? []), ...(jwks?.keys ?? [])])
  } catch {
    // a profile that cannot be read has no keys
  }
}
