import { importJWK, type JWK } from 'jose'
import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import { memberId } from '../domain/identity/member-id.ts'
import type { Logger } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { createObserver } from '../observe/observer.ts'
import type { Database } from '../store/database.ts'
import type { Keyring } from '../store/keyring.ts'
import { openBrokerTables, openIndexTables } from '../store/migrate.ts'
import { createPatientStore } from '../store/patients.ts'
import { createReplayStore } from '../store/replay.ts'
import { createVault } from '../store/vault.ts'
import { openLead } from '../turns/lead.ts'
import { createAccessLog } from './audit/access-log.ts'
import { openChainSide } from './chain-side.ts'
import type { BrokerConfig } from './config.ts'
import { createEventLog } from './events/event-log.ts'
import { observedLog, observedReader } from './observed.ts'

/** What every side of a broker stands on: who it is, its tables, its keys, its side of the chain. */
export type Core = Awaited<ReturnType<typeof openCore>>

/** @param at Told of each step, for whoever waits. */
export async function openCore(
  deps: { config: BrokerConfig; keyring: Keyring; database: Database; clock: Clock; log: Logger },
  at: (step: string) => void,
) {
  const { config, keyring, database, clock, log } = deps
  const { contracts, chainId, predecessors = {} } = config.chain
  const observer = createObserver(createMetrics())
  at('its tables')
  const db = await openBrokerTables(database.db)
  const indexDb = await openIndexTables(database.db)
  const { d: _private, ...signingPublic } = keyring.signing
  const signing = {
    key: (await importJWK(keyring.signing, 'ES256')) as CryptoKey,
    publicKey: (await importJWK(signingPublic, 'ES256')) as CryptoKey,
    kid: keyring.signing.kid ?? '',
    /** The public half. */
    jwk: signingPublic as JWK,
  }
  const vault = createVault(Buffer.from(keyring.kek, 'base64url'))

  const lead = await openLead(database)
  at('its side of the chain')
  const chainSide = await openChainSide({
    config: config.chain,
    operator: keyring.operator,
    lead,
    db,
    indexDb,
    clock,
    log,
  })
  return {
    config,
    clock,
    log,
    member: memberId(config.identifier),
    organization: { name: config.name, identifier: config.identifier },
    db,
    /** Whether this one of the member's brokers does what only one may. */
    lead,
    indexDb,
    vault,
    patients: createPatientStore({ vault, clock }),
    remember: createReplayStore({ db, clock }),
    accessLog: observedLog(createAccessLog({ vault, clock }), observer),
    events: createEventLog({ db, vault }),
    operator: keyring.operator,
    signing,
    /** The key that messages of other members are sealed to. */
    sealing: (await importJWK(keyring.sealing, 'ECDH-ES+A256KW')) as CryptoKey,
    contracts,
    chainId,
    /** This chain and its contracts, as signatures name them. */
    place: { chainId, predecessors, ...contracts },
    /** Directories: the one that is written, and those that it took over from. */
    directories: [contracts.recordDirectory, ...(predecessors.recordDirectory ?? [])] as Hex[],
    ...chainSide,
    reader: observedReader(chainSide.reader, observer),
    observer,
    keysOf: async (member: Hex) => (await chainSide.index.profile(member))?.jwks,
  }
}
