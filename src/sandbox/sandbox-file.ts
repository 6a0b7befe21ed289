import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { JWK } from 'jose'
import type { BrokerConfig } from '../broker/index.ts'
import type { Hex } from '../domain/hex.ts'
import type { Identifier } from '../domain/identity/national-ids.ts'
import type { SeatKey } from './council.ts'
import { trustAuthority } from './tls-files.ts'

/** A program's credentials at one broker: its id there, its private key, and what it may ask for. */
export type SandboxClient = { clientId: string; jwk: JWK; scopes: string[] }

/** The running sandbox, for programs: `.wayleave/sandbox.json`, mode 600, since it holds every key there is. */
export type SandboxFile = {
  chain: BrokerConfig['chain']
  /** File of the CA that certified the brokers' servers, where they speak TLS. */
  ca?: string
  /** Seats with their private keys, one in each chamber; how long carried acts wait, in seconds; names of its groups. */
  council: { delay: number; seats: SeatKey[]; groups: string[] }
  /** Origin of the patients' portal. */
  portal: string
  hospitals: {
    key: string
    name: string
    member: Hex
    identifier: Identifier
    fhir: string
    broker: string
    /** An origin to which its broker sends webhooks. */
    callback: string
    pid: number
    his: SandboxClient
    registrars: SandboxClient[]
    auditor: SandboxClient
    admin: SandboxClient
    /** Where its console is, and a code for each role with which a passkey can be made there once, within 24 hours. */
    console: string
    invitations: Partial<Record<'auditor' | 'compliance', string>>
    /** The broker's log, and its FHIR server's access log. */
    log: string
    fhirAccessLog: string
  }[]
  patients: {
    name: string
    nationalId: Identifier
    /** 12 BIP-39 words. */
    words: string
    at: { hospital: string; patientId: string; recordNumber: string }[]
  }[]
}

/** Written whole or not at all. */
export function writeSandboxFile(path: string, content: SandboxFile): void {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
}

/**
 * Reads it, and believes its CA from then on, where it has one.
 * @throws Error that says how to start the sandbox when there is none.
 */
export function readSandboxFile(path: string): SandboxFile {
  if (!existsSync(path)) throw new Error(`There is no sandbox at ${path}. Start one with: npm start`)
  const file = JSON.parse(readFileSync(path, 'utf8')) as SandboxFile
  if (file.ca) trustAuthority(file.ca)
  return file
}
