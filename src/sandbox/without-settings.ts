import { settings } from '../broker/index.ts'

/**
 * For the environment of a broker with a file of its own: what is set for a broker of the operator's must not reach it, since a
 * variable counts over the file, and several brokers would share one database.
 */
export function withoutSettings(): NodeJS.ProcessEnv {
  const names = settings().flatMap(({ variable }) => [variable, `${variable}_FILE`])
  const all = [...names, 'DATABASE_URL', 'DATABASE_URL_FILE', 'CREDENTIALS_DIRECTORY'].filter(
    (name) => name !== 'WAYLEAVE_LOG_LEVEL',
  )
  return Object.fromEntries(all.map((name) => [name, undefined]))
}
