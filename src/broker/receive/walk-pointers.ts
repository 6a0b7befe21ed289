import type { Hex } from '../../domain/hex.ts'
import { entryKeys, entryTag } from '../../domain/records/compartments.ts'
import { decodePointer, type Pointer } from '../../domain/records/pointer.ts'
import { openPointer } from '../../domain/records/pointer-seal.ts'
import { recordId } from '../../domain/records/record-id.ts'
import type { Share } from '../../exchange/share.ts'
import type { IndexQueries } from '../../indexer/index.ts'

/** One registered version as a grantee sees it: from the chain, with the share's keys, without asking anyone. */
export type SharedPointer = {
  recordId: string
  tag: Hex
  commitment: Hex
  compartment: string
  pointer: Extract<Pointer, { kind: 'snapshot' | 'reference' }>
  /** False once a newer version stands behind it. What left the compartment is not shown at all. */
  current: boolean
}

const STEP = 64

/**
 * Walks each compartment of a share 0, 1, 2 … through the index. Where an entry is missing and a later one is there, the
 * later ones are still shown: batches are shuffled, and the missing one comes.
 */
export async function walkPointers(
  deps: { index: IndexQueries; chainId: number; directories: readonly Hex[] },
  share: Share,
): Promise<SharedPointer[]> {
  // By what they are about, so that a record that left takes its earlier versions with it.
  const found = new Map<string, SharedPointer[]>()
  // In the order of pointer keys, so that what stands behind is newer.
  const compartments = [...share.compartments].sort((a, b) => a.keyNumber - b.keyNumber)
  for (const { name, key } of compartments) {
    const { tagKey, sealKey } = entryKeys(Buffer.from(key, 'base64url'))
    for (let start = 0; ; start += STEP) {
      const tags = Array.from({ length: STEP }, (_, i) => entryTag(tagKey, start + i))
      const entries = await deps.index.pointers(share.custodian, tags)
      for (const tag of tags) {
        const entry = entries.get(tag)
        if (!entry) continue
        const pointer = open(sealKey, deps, tag, entry.pointer)
        if (!pointer || pointer.kind === 'closing') continue
        const about = pointer.kind === 'reference' ? tag : `${name}/${pointer.resourceType}/${pointer.id}`
        if (pointer.kind === 'retired') {
          found.delete(about)
          continue
        }
        const versions = found.get(about) ?? []
        for (const before of versions) before.current = false
        const shown: SharedPointer = {
          recordId: recordId(share.custodian, tag),
          tag,
          commitment: entry.commitment,
          compartment: name,
          pointer,
          current: true,
        }
        found.set(about, [...versions, shown])
      }
      if (entries.size < STEP) break
    }
  }
  return [...found.values()].flat()
}

/**
 * An entry is sealed for the directory that it was registered at, so each of the line is tried. One that does not open under its
 * own key and place is not the custodian's word to us; it is passed over.
 */
function open(
  sealKey: Uint8Array,
  { chainId, directories }: { chainId: number; directories: readonly Hex[] },
  tag: Hex,
  sealed: Uint8Array,
): Pointer | undefined {
  for (const contract of directories) {
    try {
      return decodePointer(openPointer(sealKey, { chainId, contract, tag }, sealed))
    } catch {
      // Perhaps of an older one.
    }
  }
  return undefined
}
