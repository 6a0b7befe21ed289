import type { FastifyInstance } from 'fastify'
import { wayleaveError } from '../../domain/errors.ts'
import { MAX_CHECKPOINT, MAX_CHECKPOINTS } from '../../exchange/checkpoint.ts'
import type { Checkpoints } from '../evidence/checkpoints.ts'

/**
 * One member shows another its checkpoints, and those of others that it has, and is shown the same. Both learn of a split by one
 * message, also where only one of them can reach the other. A member's signature on one of them is all that lets in.
 */
export function checkpointRoutes(app: FastifyInstance, deps: { checkpoints: Checkpoints }): void {
  app.post('/exchange/checkpoints', async (request, reply) => {
    const { checkpoints } = (request.body ?? {}) as { checkpoints?: unknown }
    if (!Array.isArray(checkpoints) || checkpoints.length > MAX_CHECKPOINTS || !checkpoints.every(isSigned))
      throw wayleaveError('request-invalid', 'checkpoints')
    await deps.checkpoints.take(checkpoints)
    return reply.send({ checkpoints: await deps.checkpoints.shown() })
  })
}

const isSigned = (text: unknown): text is string => typeof text === 'string' && text.length <= MAX_CHECKPOINT
