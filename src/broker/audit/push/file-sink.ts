import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { buildAuditEvent } from '../../../domain/audit/audit-event.ts'
import type { Clock } from '../../../domain/clock.ts'
import type { AuditSink } from './deliver-trail.ts'

/**
 * Writes lines as newline-delimited JSON, a FHIR AuditEvent each, into one file a day (UTC) that only its owner reads. On the
 * disk before they count as written. Files are closed between batches, so that whoever collects them may move them away.
 */
export function createFileSink({ dir }: { dir: string }, clock: Clock): AuditSink {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  return {
    name: 'file',
    most: 500,
    async write(lines) {
      const day = new Date(clock.now()).toISOString().slice(0, 10)
      const file = await open(join(dir, `audit-${day}.ndjson`), 'a', 0o600)
      try {
        await file.appendFile(
          lines.map(({ entry }) => `${JSON.stringify(buildAuditEvent(entry))}\n`).join(''),
        )
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}
