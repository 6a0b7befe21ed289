import { existsSync, readFileSync } from 'node:fs'

/** A message that a broker of the sandbox would have sent to somebody's telephone or mailbox. */
export type SentMessage = { at: string; to: string; text: string; code?: string; enrolment?: string }

/** The newest shown. */
const MOST = 200

/** All that the hospitals' files of messages hold, newest first. */
export function sentMessages(files: readonly string[]): SentMessage[] {
  return (
    files
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SentMessage]))
      // Lines from before messages had a text.
      .filter(({ at, text }) => at && text)
      .sort((a, b) => (a.at < b.at ? 1 : -1))
      .slice(0, MOST)
  )
}
