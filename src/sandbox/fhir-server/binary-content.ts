import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isObject } from './json.ts'
import type { Resource } from './medplum-types.ts'

/** In place of `Binary.data`, as HAPI FHIR has it: the SHA-256 under which the content lies, in hexadecimal. */
const KEPT_OUTSIDE = 'https://wayleave.example/fhir/StructureDefinition/content-kept-outside'

/** Contents of Binaries that came as they are and not as JSON (R4 §2.18): files, so that their size does not matter. */
export type BinaryContents = {
  /** Keeps what comes, and gives the Binary that stands for it. */
  keep(id: string | undefined, contentType: string, body: Readable): Promise<Resource>
  /** What a Binary holds: what it stands for, or what is in its `data`. Undefined where it holds nothing. */
  open(resource: Resource): { contentType: string; size: number; bytes: Readable | Buffer } | undefined
}

export function createBinaryContents(dir: string): BinaryContents {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return {
    async keep(id, contentType, body) {
      const partial = join(dir, `partial-${randomUUID()}`)
      const hash = createHash('sha256')
      try {
        await pipeline(
          body,
          async function* (pieces: AsyncIterable<Buffer>) {
            for await (const piece of pieces) {
              hash.update(piece)
              yield piece
            }
          },
          createWriteStream(partial, { mode: 0o600 }),
        )
        const valueString = hash.digest('hex')
        renameSync(partial, join(dir, valueString))
        const extension = [{ url: KEPT_OUTSIDE, valueString }]
        return {
          resourceType: 'Binary',
          ...(id ? { id } : {}),
          contentType,
          extension,
        } as unknown as Resource
      } catch (error) {
        rmSync(partial, { force: true })
        throw error
      }
    },

    open(resource) {
      const { contentType, data, extension } = resource as unknown as Record<string, unknown>
      if (typeof contentType !== 'string') return undefined
      if (typeof data === 'string') {
        const bytes = Buffer.from(data, 'base64')
        return { contentType, size: bytes.length, bytes }
      }
      const kept = (Array.isArray(extension) ? extension : []).find(
        (one) => isObject(one) && one.url === KEPT_OUTSIDE,
      )
      const name = (kept as { valueString?: unknown } | undefined)?.valueString
      if (typeof name !== 'string' || !/^[0-9a-f]{64}$/.test(name)) return undefined
      const { size } = statSync(join(dir, name))
      return { contentType, size, bytes: createReadStream(join(dir, name)) }
    },
  }
}
