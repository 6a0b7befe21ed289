import { importJWK } from 'jose'
import type { Logger } from 'pino'
import { publishProfile } from '../chain/member-profile.ts'
import type { Bounds } from '../domain/bounds.ts'
import type { Clock } from '../domain/clock.ts'
import type { Hex } from '../domain/hex.ts'
import { memberId } from '../domain/identity/member-id.ts'
import type { TokenKeys } from '../exchange/access-token.ts'
import { createExchangeOutbox } from '../exchange/outbox.ts'
import { createPeerClient } from '../exchange/peer-client.ts'
import { readLabelRules } from '../fhir/label-rules.ts'
import { createLabeller } from '../fhir/labeller.ts'
import { createFhirSource } from '../fhir/source.ts'
import { createRelayer } from '../relayer/relayer.ts'
import type { Database } from '../store/database.ts'
import { type Keyring, publicJwks } from '../store/keyring.ts'
import { openBrokerTables, openIndexTables } from '../store/migrate.ts'
import { createPatientStore } from '../store/patients.ts'
import { createReplayStore } from '../store/replay.ts'
import { createVault } from '../store/vault.ts'
import { createAccessLog } from './audit/access-log.ts'
import { createChainProjection } from './audit/project-chain.ts'
import { createWindows } from './audit/windows.ts'
import { openChainSide } from './chain-side.ts'
import type { BrokerConfig } from './config.ts'
import { createActs } from './consent/accept-act.ts'
import { createConsentSlots } from './consent/consent-slots.ts'
import { createConsentStates } from './consent/consent-state.ts'
import { createExplainer } from './consent/explain.ts'
import { openedLines, openingsOf } from './consent/openings.ts'
import { createProposals } from './consent/proposals.ts'
import { createShareKeeper } from './consent/share-keeper.ts'
import { auditRoutes } from './http/audit-routes.ts'
import { cdsRoutes } from './http/cds-routes.ts'
import { consentRoutes } from './http/consent-routes.ts'
import { exchangeRoutes } from './http/exchange-routes.ts'
import { healthRoutes } from './http/health-routes.ts'
import { hisRoutes } from './http/his-routes.ts'
import { patientRoutes } from './http/patient-routes.ts'
import { requestRoutes } from './http/request-routes.ts'
import { createHttpServer } from './http/server.ts'
import { createFileContactSender } from './patients/contact-sender.ts'
import { createEnrolments } from './patients/enrolment.ts'
import { createSessions } from './patients/sessions.ts'
import { createReceiveSide } from './receive/receive-side.ts'
import { createRegistration } from './register/registration.ts'
import { partyOf } from './release/parties.ts'
import { createReleaseSide } from './release/release-side.ts'
import { createApprovals } from './requests/approvals.ts'
import { createReceivedRequests } from './requests/received-requests.ts'
import { createSentRequests } from './requests/sent-requests.ts'
import { inSteps } from './start-steps.ts'

export type Broker = {
  /** Where it is reached, without a trailing slash. */
  base: string
  /** Stops taking requests, then its loops, in the reverse order of their start. The database stays open. */
  close(): Promise<void>
}

export type BrokerDeps = {
  config: BrokerConfig
  keyring: Keyring
  database: Database
  /** The hospital's FHIR server. */
  fhirBase: string
  clock: Clock
  log: Logger
  /** See createReleases. */
  afterIntent?: () => Promise<void>
  /** How much, and for how long, the FHIR server and other brokers may answer; the defaults are those of each. */
  bounds?: { fhir?: Partial<Bounds>; peer?: Partial<Bounds> }
  /** Told of each step of the start; one that takes long is logged besides. */
  starting?: (step: string) => void
}

/** How long a start waits for the index; a silent node must not keep the broker from starting. Milliseconds. */
const CATCH_UP_WITHIN = 10_000

/** How long a stop waits for its last window to reach the chain. Milliseconds. */
const LAST_ANCHOR_WITHIN = 3_000

/** One hospital's broker, put together: this is the only place where its parts meet. */
export async function createBroker(deps: BrokerDeps): Promise<Broker> {
  const slow = (step: string, seconds: number) => deps.log.warn({ step, seconds }, 'the start takes long')
  return inSteps(slow, (at) =>
    open(deps, (step) => {
      at(step)
      deps.starting?.(step)
    }),
  )
}

async function open(
  { config, keyring, database, fhirBase, clock, log, afterIntent, bounds = {} }: BrokerDeps,
  at: (step: string) => void,
): Promise<Broker> {
  // First of all: with rules that cannot be read nothing begins.
  const labeller = createLabeller(readLabelRules(config.labelRules ?? []))
  const { contracts, chainId, predecessors = {} } = config.chain
  const directories = [contracts.recordDirectory, ...(predecessors.recordDirectory ?? [])] as Hex[]
  const member = memberId(config.identifier)
  at('its tables')
  const db = await openBrokerTables(database.db)
  const indexDb = await openIndexTables(database.db)
  const signing = {
    key: (await importJWK(keyring.signing, 'ES256')) as CryptoKey,
    kid: keyring.signing.kid ?? '',
  }
  const { d: _private, ...signingPublic } = keyring.signing
  const sealing = (await importJWK(keyring.sealing, 'ECDH-ES+A256KW')) as CryptoKey
  const vault = createVault(Buffer.from(keyring.kek, 'base64url'))
  const patients = createPatientStore({ vault, clock })
  const remember = createReplayStore({ db, clock })

  at('its side of the chain')
  const { provider, head, index, indexer, sender, reader, timeOf } = await openChainSide({
    config: config.chain,
    operator: keyring.operator,
    db,
    indexDb,
    clock,
    log,
  })
  const keysOf = async (id: Hex) => (await index.profile(id))?.jwks

  // audit
  const accessLog = createAccessLog({ vault, clock })
  const windows = createWindows({
    db,
    clock,
    contracts,
    log,
    everyMs: config.timing.windowMs,
    anchored: () => index.lastWindow(member),
    afterClose: () => void sender.flush(),
  })
  const projection = createChainProjection({ db, index, patients, vault, custodian: member, timeOf, log })

  // consent
  const states = createConsentStates({ reader, head, index, clock, custodian: member, groups: config.groups })
  const peers = await createPeerClient({
    member,
    signing,
    clock,
    ...(bounds.peer ? { bounds: bounds.peer } : {}),
  })
  const outbox = createExchangeOutbox({
    db,
    clock,
    log,
    peers,
    endpointOf: async (id) => (await index.profile(id))?.endpoint,
  })
  const shares = createShareKeeper({
    db,
    patients,
    clock,
    log,
    deps: { patients, states, index, clock, custodian: member, signing },
  })
  const requests = createReceivedRequests({
    db,
    vault,
    patients,
    clock,
    log,
    index,
    chainTime: () => head.head()?.time,
    contracts,
    accessLog,
    own: { member, key: sealing },
    keysOf,
    afterClose: () => void sender.flush(),
  })
  const sentRequests = createSentRequests({
    db,
    vault,
    clock,
    index,
    contracts,
    accessLog,
    member,
    signing,
    afterSend: () => {
      void sender.flush()
      void outbox.flush()
    },
  })
  const approvals = createApprovals({
    db,
    patients,
    provider,
    contracts,
    chainId,
    operator: keyring.operator,
    clock,
    accessLog,
    index,
    member,
    afterApprove: () => void sender.flush(),
  })
  const proposals = createProposals({ clock })
  const explainer = createExplainer({ db, states, clock })
  const acts = createActs({
    db,
    patients,
    provider,
    contracts,
    index,
    clock,
    approvals,
    requests,
    proposals,
    signing,
    afterAccept: () => {
      void sender.flush()
      shares.refresh()
    },
  })
  const place = { chainId, predecessors, ...contracts }
  const relayer = createRelayer({
    db,
    clock,
    contracts,
    place,
    member,
    sealing,
    signing,
    custodianOf: (handle) => index.custodianOf(handle),
    accept: (signed) => acts.accept(signed),
    afterPassOn: () => {
      void sender.flush()
      void outbox.flush()
    },
  })

  // register
  const source = createFhirSource({ base: fhirBase, ...(bounds.fhir ? { bounds: bounds.fhir } : {}) })
  const registration = createRegistration({
    db,
    log,
    patients,
    vault,
    source,
    labeller,
    clock,
    chain: { id: chainId, contracts },
    custodian: member,
    signing: signing.key,
    signingKid: signing.kid,
    onRefused: async (trx, { refused, resourceType, id, versionId }) => {
      log.error({ code: refused, resourceType }, 'a version cannot be committed to and is not registered')
      await accessLog.append(trx, {
        kind: 'alarm',
        outcome: '8',
        reason: 'record-unreadable',
        recordedBy: 'custodian',
        custodian: { id: member, name: config.name, identifier: config.identifier },
        record: { id: `${resourceType}/${id}/_history/${versionId}`, resourceType },
        note: `Code: ${refused}.`,
      })
    },
    openedNow: async (trx, patient) => {
      const names = await trx
        .selectFrom('compartments')
        .select('compartment')
        .distinct()
        .where('patient_id', '=', patient.id)
        .execute()
      const all = names.map((row) => row.compartment)
      return openedLines(await openingsOf(trx, { states, index, custodian: member }, patient, all))
    },
    batchMs: config.timing.batchMs,
    everyMs: config.timing.feedMs,
    afterBatch: () => void sender.flush(),
  })
  registration.onRegistered((fhirIds) => shares.refreshFhir(fhirIds))

  // release and receive
  const { releases, listings } = createReleaseSide({
    ...{ db, patients, states, windows, head, accessLog, source, labeller, index, clock, log, signing },
    custodian: member,
    ...(afterIntent ? { afterIntent } : {}),
  })
  const { received, documents, opener } = createReceiveSide({
    ...{ db, vault, index, peers, provider, accessLog, clock, log, member, sealing, keysOf },
    chain: { id: chainId, contracts, directories },
    base: () => base,
  })

  // the index moves, and what hangs on it follows
  indexer.onReorganisation(async (block) => {
    await projection.rewind(block)
    await sender.rewind(block)
  })
  indexer.onAdvance(() => void projection.run())
  projection.onChange((patientId) => shares.refresh(patientId))

  // HTTP
  const app = await createHttpServer(log, { perMinute: config.requestsPerMinute })
  let base = config.publicBase ?? ''
  const keys: TokenKeys = {
    privateKey: signing.key,
    publicKey: (await importJWK(signingPublic, 'ES256')) as CryptoKey,
    kid: signing.kid,
    issuer: member,
  }
  const clients = new Map(config.clients.map((client) => [client.clientId, client]))
  const { authorise } = hisRoutes(app, {
    base: () => base,
    clock,
    db,
    keys,
    clients,
    remember,
    documents,
    opener,
    accessLog,
    index,
    member,
    organization: config.identifier,
  })
  exchangeRoutes(app, {
    base: () => base,
    clock,
    keys,
    remember,
    keysOf,
    releases,
    listings,
    shares: received,
    requests,
    onShare: async ({ custodian, ended }) => {
      await accessLog.append(db, {
        kind: 'share-received',
        outcome: '0',
        custodian: await partyOf(index, custodian),
        requester: await partyOf(index, member),
        ...(ended ? { note: 'The share has ended.' } : {}),
      })
    },
  })
  const sessions = createSessions({ db, patients, clock, chainId, origin: () => base })
  const enrolments = createEnrolments({
    db,
    patients,
    source,
    contact: createFileContactSender(config.contactFile),
    provider,
    contracts,
    chainId,
    custodian: member,
    clock,
    afterBind: () => void sender.flush(),
  })
  patientRoutes(app, {
    db,
    provider,
    reader,
    custodian: member,
    patients,
    vault,
    sessions,
    enrolments,
    acts,
    requests,
    proposals,
    explainer,
    index,
    relayer,
    place,
    authorise,
  })
  const organization = { name: config.name, identifier: config.identifier }
  consentRoutes(app, {
    base: () => base,
    db,
    patients,
    proposals,
    slots: createConsentSlots({ db, provider, reader, proposals, custodian: member, organization }),
    explainer,
    accessLog,
    index,
    custodian: member,
    authorise,
  })
  cdsRoutes(app, { db, states, patients, clock, base: () => base, name: config.name, authorise })
  requestRoutes(app, {
    base: () => base,
    clock,
    sent: sentRequests,
    received: requests,
    approvals,
    index,
    organization: config.identifier,
    authorise,
  })
  auditRoutes(app, { db, vault, patients, accessLog, index, member, base: () => base, authorise })
  healthRoutes(app, { head, indexer, registration, windows, sender, nudge: () => registration.nudge() })

  at('its port')
  await app.listen({ host: config.host, port: config.port })
  if (base === '') base = addressOf(app.addresses())
  at('the hook at the FHIR server')
  await source.subscribe(`${base}/hooks/fhir`).catch((error: unknown) => {
    log.warn({ error: String(error) }, 'no hook could be set; the history is read by the clock')
  })
  at('the index, which catches up with the chain')
  // What the index does not hold yet must not pass for a profile that nobody published.
  const caughtUp = head.refresh().then(() => indexer.catchUp())
  await Promise.race([caughtUp, new Promise((done) => setTimeout(done, CATCH_UP_WITHIN).unref())])
  at('its profile')
  await publishProfile({
    db,
    clock,
    contracts,
    member,
    profile: { name: config.name, identifier: config.identifier, endpoint: base, jwks: publicJwks(keyring) },
    known: await index.profile(member),
  })
  at('the window that the last stop left open')
  // What was logged before the last stop, however it came, is anchored first: until then nothing is released (I4).
  await windows.close()
  void sender.flush()

  return {
    base,
    async close() {
      await app.close()
      await registration.close()
      await requests.close()
      await windows.close()
      await windows.stop()
      await Promise.race([
        sender.flush(),
        new Promise((done) => setTimeout(done, LAST_ANCHOR_WITHIN).unref()),
      ])
      await shares.close()
      await outbox.close()
      await sender.close()
      await head.close()
      await indexer.close()
      await projection.run()
      await peers.close()
      await source.close()
      provider.destroy()
    },
  }
}

function addressOf([first]: readonly (string | { address: string; port: number })[]): string {
  if (typeof first !== 'object') throw new Error('the broker listens nowhere')
  return `http://${first.address}:${first.port}`
}
