import type { FastifyRequest } from 'fastify'
import { publishProfile } from '../chain/member-profile.ts'
import type { Bounds } from '../domain/bounds.ts'
import type { Clock } from '../domain/clock.ts'
import { createWebhooks } from '../exchange/webhook.ts'
import { readLabelRules } from '../fhir/label-rules.ts'
import { createLabeller } from '../fhir/labeller.ts'
import type { Logger } from '../observe/log.ts'
import type { Database } from '../store/database.ts'
import { type Keyring, publicJwks } from '../store/keyring.ts'
import { createAuditSide } from './audit/audit-side.ts'
import type { BrokerConfig } from './config.ts'
import { createConsentSide } from './consent/consent-side.ts'
import { openCore } from './core.ts'
import { createEventDelivery } from './events/deliver-events.ts'
import { createEventFeeds } from './events/feeds.ts'
import { createEvidenceSide } from './evidence/evidence-side.ts'
import { createExchangeSide } from './exchange-side.ts'
import { createCallers } from './http/callers.ts'
import { mountRoutes } from './http/mount-routes.ts'
import { observeRequests } from './http/observe-requests.ts'
import { createHttpServer } from './http/server.ts'
import { createIdentitySide } from './identity/identity-side.ts'
import { createIdentityWatch } from './identity/identity-watch.ts'
import { createDrain } from './operate/drain.ts'
import { openOperatorListener } from './operate/operator-listener.ts'
import { createOutboxWatch } from './operate/outboxes.ts'
import { createReadiness } from './operate/readiness.ts'
import { sayAnew } from './operate/say-anew.ts'
import { createPatientSide } from './patients/patient-side.ts'
import type { Deadline } from './receive/find-shared.ts'
import { createReceiveSide } from './receive/receive-side.ts'
import { createRegisterSide } from './register/register-side.ts'
import { createReleaseSide } from './release/release-side.ts'
import { createRequestSide } from './requests/request-side.ts'
import { inSteps } from './start-steps.ts'
import { readTls, showCertificate } from './tls.ts'

export type Broker = {
  /** Where it is reached, without a trailing slash. */
  base: string
  /**
   * Reads its certificates anew, shows the present one from now on, and publishes the pins of it and of the next. Nothing
   * is closed. Throws, and changes nothing, where a file cannot be read or key and certificate do not fit.
   */
  reloadTls(): Promise<void>
  /** Where the operator's listener is, if it is configured. */
  operator?: string
  /** Before a close: leaves in good order, see Drain. */
  drain(): Promise<void>
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
  /**
   * How much, and for how long, the FHIR server and other brokers may answer, and how long one custodian may take over all
   * that one answer needs of it; the defaults are those of each.
   */
  bounds?: { fhir?: Partial<Bounds>; peer?: Partial<Bounds>; deadline?: Deadline }
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
  const core = await openCore({ config, keyring, database, clock, log }, at)
  const { db, member, contracts, head, index, indexer, sender, provider } = core
  let base = config.publicBase ?? ''
  let started = false

  const identity = createIdentityWatch({ ...core, own: { id: member, ...core.organization } })
  const freezing = {
    identity,
    afterFreeze: () => {
      for (const id of identity.takeTouched()) consent.shares.refresh(id)
    },
  }
  const audit = createAuditSide(core, freezing)
  const exchange = await createExchangeSide(core, bounds.peer)
  const evidence = createEvidenceSide(core, exchange)
  const request = createRequestSide(core, exchange)
  const consent = createConsentSide(core, exchange, request)
  const register = createRegisterSide(core, consent, {
    fhirBase,
    labeller,
    ...freezing,
    ...(bounds.fhir ? { bounds: bounds.fhir } : {}),
  })
  const office = createIdentitySide(core, consent, register, { labeller })
  const patient = createPatientSide(core, register, freezing)
  const { windows, projection } = audit
  const { peers, outbox, books } = exchange
  const { requests } = request
  const { states, shares } = consent
  const { source, contents, searches, registration, reconciler } = register
  // What waits under a key that is published no more would be believed by nobody.
  const published = publicJwks(keyring).keys.map(({ kid }) => kid ?? '')
  if ((await sayAnew({ db, published, ...request })) > 0) consent.shares.refresh()
  const release = createReleaseSide({
    ...{ ...core, states, windows, source, contents, searches, labeller, books },
    custodian: member,
    contradicted: () => evidence.views.contradicted(),
    ...(afterIntent ? { afterIntent } : {}),
  })
  const receive = createReceiveSide({
    ...{ ...core, peers, books, source, own: register.ownRecords },
    chain: { id: core.chainId, contracts, directories: core.directories },
    base: () => base,
    ...(bounds.deadline ? { deadline: bounds.deadline } : {}),
  })

  // the index moves, and what hangs on it follows
  indexer.onReorganisation(async (block) => {
    await projection.rewind(block)
    await sender.rewind(block)
    await evidence.rowHashes.rewind(block)
  })
  indexer.onAdvance(() => void projection.run().then(() => patient.recoveryKeeper.flush()))
  projection.onChange((patientId) => shares.refresh(patientId))

  let tls = config.tls && readTls(config.tls)
  const callers = createCallers(core, () => base)
  const webhooks = createWebhooks({ origins: callers.origins, networks: config.callbackNetworks ?? [] })
  const delivery = createEventDelivery({
    ...core,
    webhooks,
    origins: callers.origins,
    base: () => base,
    feeds: createEventFeeds(core.events, audit.feed, callers),
  })
  const limits = {
    perMinute: config.requestsPerMinute,
    ofCaller: config.requestsPerMinuteOfClient ?? config.requestsPerMinute,
    callerOf: (request: FastifyRequest) => callers.of(request),
  }
  const app = await createHttpServer(log, limits, tls?.served, config.portalOrigins)
  observeRequests(app, core.observer, log)
  const drain = createDrain(app, { log, delayMs: 0, withinMs: 10_000, ...config.drain })
  const sides = {
    ...{ ...audit, ...exchange, ...request, ...consent, ...register, ...release, ...receive },
    ...{ ...freezing, ...office, ...evidence, ...patient, delivery },
  }
  const readiness = createReadiness({
    ...{ ...core, ...sides, starting: () => !started, draining: drain.draining },
  })
  mountRoutes(app, core, sides, { callers, readiness, base: () => base })

  at('its port')
  const operator =
    config.operator &&
    (await openOperatorListener({
      ...config.operator,
      ...{ metrics: core.observer.metrics, readiness, outboxes: createOutboxWatch(core), log },
    }))
  await app.listen({ host: config.host, port: config.port })
  if (base === '') base = addressOf(app.addresses(), tls?.served ? 'https' : 'http')
  at('the hook at the FHIR server')
  await source.subscribe(`${base}/hooks/fhir`).catch((error: unknown) => {
    log.warn({ error }, 'no hook could be set; the history is read by the clock')
  })
  at('the index, which catches up with the chain')
  // What the index does not hold yet must not pass for a profile that nobody published.
  const caughtUp = head.refresh().then(() => indexer.catchUp())
  await Promise.race([caughtUp, new Promise((done) => setTimeout(done, CATCH_UP_WITHIN).unref())])
  void office.mover.run()
  at('its profile')
  const publish = async () => {
    const profile = {
      ...{ name: config.name, identifier: config.identifier, endpoint: base, jwks: publicJwks(keyring) },
      ...(tls ? { tlsPins: tls.pins } : {}),
    }
    await publishProfile({ db, clock, contracts, member, profile, known: await index.profile(member) })
  }
  await publish()
  at('the window that the last stop left open')
  // What was logged before the last stop, however it came, is anchored first: until then nothing is released (I4).
  await windows.close()
  void sender.flush()

  started = true
  return {
    base,
    ...(operator ? { operator: operator.base } : {}),
    drain: drain.run,
    async reloadTls() {
      if (!config.tls) return
      const read = readTls(config.tls)
      showCertificate(app.server, read.served)
      tls = read
      await publish()
      void sender.flush()
    },
    async close() {
      await app.close()
      await patient.closePatients()
      await delivery.close()
      await webhooks.close()
      await office.mover.close()
      await reconciler.close()
      await exchange.auditReconciler.close()
      await registration.close()
      await requests.close()
      await windows.close()
      await windows.stop()
      await Promise.race([
        sender.flush(),
        new Promise((done) => setTimeout(done, LAST_ANCHOR_WITHIN).unref()),
      ])
      await evidence.views.close()
      await shares.close()
      await outbox.close()
      await books.close()
      await sender.close()
      await head.close()
      await indexer.close()
      await projection.run()
      await audit.expiry.close()
      await audit.pushing.close()
      await audit.filing.close()
      await peers.close()
      await source.close()
      await contents.close()
      await searches.close()
      await register.writer.close()
      await core.lead.close()
      provider.destroy()
      await operator?.close()
    },
  }
}

function addressOf(
  [first]: readonly (string | { address: string; port: number })[],
  protocol: 'http' | 'https',
): string {
  if (typeof first !== 'object') throw new Error('the broker listens nowhere')
  return `${protocol}://${first.address}:${first.port}`
}
