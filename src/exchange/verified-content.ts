import { createHash } from 'node:crypto'
import { wayleaveError } from '../domain/errors.ts'
import type { Content } from '../domain/records/contents.ts'

/**
 * Passes a content on as it comes, and holds its last piece back until size and hash of the whole are right: whoever gets all
 * of the bytes that were announced has the right ones, and whoever does not sees a transfer that broke off.
 * @param whole done once all of it is there and right, before the last piece goes on
 * @throws WayleaveError `commitment-mismatch` in the middle of the stream, or whatever it came with
 */
export async function* verifiedContent(
  pieces: AsyncIterable<Uint8Array>,
  expected: Pick<Content, 'size' | 'sha256'>,
  whole: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let size = 0
  let held: Uint8Array | undefined
  for await (const piece of pieces) {
    if (piece.length === 0) continue
    size += piece.length
    if (size > expected.size) throw wayleaveError('commitment-mismatch', 'a content larger than registered')
    hash.update(piece)
    if (held) yield held
    held = piece
  }
  if (size !== expected.size || `0x${hash.digest('hex')}` !== expected.sha256)
    throw wayleaveError('commitment-mismatch', 'a content that is not the one registered')
  await whole()
  if (held) yield held
}
