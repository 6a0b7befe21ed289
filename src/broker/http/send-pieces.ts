import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/**
 * Answers with bytes piece by piece. What they come from is let go of when the connection ends, even where nobody has begun to
 * read: a generator that was never started closes nothing by itself.
 */
export function sendPieces(
  reply: FastifyReply,
  { bytes, end }: { bytes: AsyncIterable<Uint8Array>; end: () => void },
): FastifyReply {
  if (reply.raw.destroyed) end()
  else reply.raw.once('close', end)
  return reply.send(Readable.from(bytes, { objectMode: false }))
}
