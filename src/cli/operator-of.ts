import { existsSync } from 'node:fs'
import { loadBrokerConfig } from '../broker/index.ts'
import { createOperatorClient } from '../sandbox/operator-client.ts'
import { loadKeyring } from '../store/key-file.ts'
import { unlockOf } from './unlock.ts'

/** Asks a running broker as its operator: what it answers, or nothing. @throws Error for the terminal */
export type Operator = <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<T>

/**
 * The broker's own interface for its operator, by the key file that its configuration names.
 * @throws Error with what is missing
 */
export async function operatorOf(options: { config: string; broker?: string }): Promise<Operator> {
  const config = loadBrokerConfig({ file: options.config, env: process.env })
  if (!existsSync(config.keys)) throw new Error(`There is no key file ${config.keys}`)
  const { signing } = await loadKeyring(config.keys, unlockOf(config))
  // With a certificate but without its key, a proxy before the broker ends TLS, and the broker itself speaks HTTP.
  const listens = `${config.tls?.key ? 'https' : 'http'}://${config.host}:${config.port}`
  return createOperatorClient({
    here: options.broker?.replace(/\/$/, '') ?? listens,
    audience: `${config.publicBase ?? listens}/auth/token`,
    signing,
  })
}
