import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import type { Hex } from '../../domain/hex.ts'
import { memberId } from '../../domain/identity/member-id.ts'
import type { IndexedEvent, IndexQueries } from '../../indexer/index.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import { sealJson, type Vault } from '../../store/vault.ts'
import type { Lead } from '../../turns/lead.ts'
import { scopesOf } from '../consent/scopes.ts'
import type { EventLog } from '../events/event-log.ts'
import { ownChange } from '../events/own-changes.ts'
import type { IdentityWatch } from '../identity/identity-watch.ts'
import type { Delegates } from '../patients/delegates.ts'
import { createSignerFollower } from '../patients/follow-signers.ts'
import { partyOf } from '../release/parties.ts'
import { CHAIN_KINDS, IS_PUBLIC } from './chain-kinds.ts'
import { ownEntries, wholeTransactions } from './own-entries.ts'

type Db = Kysely<BrokerTables>

const AT_ONCE = 500

/** Kinds that hold several events: the line says which. */
const TOLD_BY_NAME: ReadonlySet<string> = new Set(['representative-changed', 'recovery', 'emergency-access'])

export type ChainProjection = {
  /** Brings the audit trail to the index's place. */
  run(): Promise<void>
  /** Takes back what came from blocks that are no more. */
  rewind(block: number): Promise<void>
  /** Called with an own patient whose consents or handle changed, or undefined when members or groups did. */
  onChange(listener: (patientId: string | undefined) => void): void
}

/**
 * Makes the audit trail from contract events: opened where this member is a party, and a bare anchor elsewhere. Each event
 * has a line, but for two: entries of one batch that this member cannot open, or that only fill it up, have one together;
 * and a request that this member sent or received stands in its own log in full. The event, not the desk, is
 * what makes a signer the patient's.
 */
export function createChainProjection(deps: {
  db: Db
  index: IndexQueries
  patients: PatientStore
  vault: Vault
  custodian: Hex
  delegates: Pick<Delegates, 'helperBy'>
  identity: Pick<IdentityWatch, 'sharedKey'>
  /** Told when a freeze was stored. */
  afterFreeze: () => void
  timeOf: (block: number) => Promise<number>
  /** Where changes of own patients' consents are told of. */
  events: EventLog
  log: Logger
  lead: Pick<Lead, 'holds'>
}): ChainProjection {
  const { db, index, patients, vault } = deps
  const listeners: ((patientId: string | undefined) => void)[] = []
  const signers = createSignerFollower({
    ...deps,
    async sharedKey(patient, other) {
      await db.transaction().execute((trx) => deps.identity.sharedKey(trx, patient, other))
      deps.afterFreeze()
    },
  })
  let running: Promise<void> = Promise.resolve()

  async function place() {
    const row = await db.selectFrom('projection').selectAll().where('name', '=', 'audit').executeTakeFirst()
    return { block: row?.block ?? -1, logIndex: row?.log_index ?? -1 }
  }

  async function step(): Promise<boolean> {
    const from = await place()
    const events = wholeTransactions(await index.eventsAfter(from.block, from.logIndex, AT_ONCE), AT_ONCE)
    const last = events.at(-1)
    if (!last) return false
    const own = await ownEntries(db, deps, events)
    const batches = new Set<string>()
    const told = new Set<string | undefined>()
    const rows: {
      entry: AuditEntry
      patient: StoredPatient | undefined
      block: number
      change: Awaited<ReturnType<typeof ownChange>>
    }[] = []
    for (const event of events) {
      const patient = event.args.handle ? await patients.byHandle(db, event.args.handle) : undefined
      if (patient) await signers.follow(event.name, patient)
      if (patient) told.add(patient.id)
      if (event.name.startsWith('Member') || event.name.startsWith('Group') || event.name === 'ProfileSet')
        told.add(undefined)
      const entry =
        CHAIN_KINDS[event.name] === 'record-registered'
          ? await registeredEntry(event, own, batches)
          : await entryOf(event, patient)
      const change = patient ? await ownChange(db, index, event, patient) : undefined
      const owner = patient ?? own.get(event.args.tag ?? '')?.patient
      if (entry) rows.push({ entry, patient: owner, block: event.block, change })
    }
    await db.transaction().execute(async (trx) => {
      for (const { entry, change } of rows) {
        if (change) await deps.events.append(trx, { ...change, side: 'own', at: entry.recorded })
      }
      if (rows.length > 0)
        await trx
          .insertInto('audit_events')
          .values(
            rows.map(({ entry, patient, block }) => ({
              id: entry.id,
              recorded: entry.recorded,
              kind: entry.kind,
              patient_lookup: patient ? vault.lookup('patient', patient.id) : null,
              block,
              sealed: sealJson(vault.storeKey, entry),
            })),
          )
          .onConflict((oc) => oc.doNothing())
          .execute()
      const row = { name: 'audit', block: last.block, log_index: last.logIndex }
      await trx
        .insertInto('projection')
        .values(row)
        .onConflict((oc) => oc.column('name').doUpdateSet({ block: row.block, log_index: row.log_index }))
        .execute()
    })
    for (const patientId of told) for (const listener of listeners) listener(patientId)
    return true
  }

  const placeOf = async ({ block, logIndex, transaction }: IndexedEvent) => ({
    // The same event has the same id in every replay.
    id: `${transaction.slice(2, 34)}-${logIndex}`,
    recorded: new Date((await deps.timeOf(block)) * 1000).toISOString(),
    outcome: '0' as const,
    chain: { block, transaction, logIndex },
  })

  const anchorOf = async (event: IndexedEvent): Promise<AuditEntry> => ({
    ...(await placeOf(event)),
    kind: 'anchor',
    note: event.name,
  })

  /** An own record by what it is; of all others in one transaction, the first stands for the batch. */
  async function registeredEntry(
    event: IndexedEvent,
    own: Awaited<ReturnType<typeof ownEntries>>,
    batches: Set<string>,
  ): Promise<AuditEntry | undefined> {
    const entry = own.get(event.args.tag ?? '')
    if (entry) {
      const { patient, record, note } = entry
      return {
        ...(await placeOf(event)),
        kind: 'record-registered',
        custodian: await partyOf(index, deps.custodian),
        patient: { reference: `Patient/${patient.secrets.fhirId}` },
        ...(record ? { record } : {}),
        note,
      }
    }
    if (batches.has(event.transaction)) return undefined
    batches.add(event.transaction)
    if (event.args.custodian !== deps.custodian) return anchorOf(event)
    const custodian = await partyOf(index, deps.custodian)
    return { ...(await placeOf(event)), kind: 'record-registered', custodian, note: 'It fills a batch up.' }
  }

  /** What this member asked for, and what it was asked, stands in its own log; how the former ended the chain tells. */
  async function requestEntry(event: IndexedEvent): Promise<AuditEntry | undefined> {
    const { commitment = '' } = event.args
    const sent = await db
      .selectFrom('requests_sent')
      .select('custodian')
      .where('commitment', '=', commitment)
      .executeTakeFirst()
    if (sent && event.name !== 'RequestOpened')
      return {
        ...(await placeOf(event)),
        ...{ kind: 'request-closed', recordedBy: 'requester' },
        requester: await partyOf(index, deps.custodian),
        custodian: await partyOf(index, sent.custodian as Hex),
        request: `Task/${commitment}`,
        note: event.name === 'RequestLapsed' ? 'Nobody closed it in time.' : 'It ended.',
      }
    const received = await db
      .selectFrom('requests_received')
      .select('commitment')
      .where('commitment', '=', commitment)
      .executeTakeFirst()
    return sent || received ? undefined : anchorOf(event)
  }

  async function entryOf(
    event: IndexedEvent,
    patient: StoredPatient | undefined,
  ): Promise<AuditEntry | undefined> {
    const { args, name } = event
    if (name.startsWith('Request')) return requestEntry(event)
    const kind = CHAIN_KINDS[name]
    if (kind && IS_PUBLIC.has(kind)) {
      const member = (args.member ?? args.custodian) as Hex | undefined
      const named = member ? { custodian: await partyOf(index, member) } : {}
      return { ...(await placeOf(event)), kind, ...named, note: name }
    }
    if (name === 'CaseDeclared') {
      const requester = await partyOf(index, args.member as Hex)
      return { ...(await placeOf(event)), kind: 'emergency-access', requester, note: name }
    }
    // Another hospital's patient, or nothing that can be told apart: all that can be said is that the chain holds an event.
    if (!kind || !patient) return anchorOf(event)
    const scope = args.scope ? (await scopesOf(db, patient)).get(args.scope as Hex) : undefined
    const grantee =
      scope?.granteeType === 'Organization'
        ? { requester: await partyOf(index, memberId(scope.grantee)) }
        : {}
    const helper = args.signerHash && (await deps.delegates.helperBy(patient, args.signerHash as Hex))
    const notes = [
      ...(TOLD_BY_NAME.has(kind) ? [name] : []),
      ...(helper ? [helper.name ? `Signed by a helper: ${helper.name}.` : 'Signed by a helper.'] : []),
    ]
    return {
      ...(await placeOf(event)),
      kind,
      custodian: await partyOf(index, deps.custodian),
      patient: { reference: `Patient/${patient.secrets.fhirId}` },
      ...(helper ? { helper } : {}),
      ...grantee,
      ...(scope ? { purpose: scope.purpose } : {}),
      ...(args.scope ? { policy: `Consent/${args.scope.slice(2, 34)}` } : {}),
      ...(notes.length > 0 ? { note: notes.join('. ') } : {}),
    }
  }

  function run(): Promise<void> {
    const turn = async () => {
      if (!deps.lead.holds()) return
      while (await step()) {
        // each step moves the place on
      }
    }
    running = running.then(turn, turn).catch((error: unknown) => {
      deps.log.warn({ error }, 'the audit trail waits for the next block')
    })
    return running
  }

  return {
    run,
    async rewind(block) {
      await running
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('audit_events').where('block', '>=', block).execute()
        await trx
          .updateTable('projection')
          .set({ block: block - 1, log_index: 2 ** 31 - 1 })
          .where('block', '>=', block)
          .execute()
      })
      await signers.rewind()
    },
    onChange: (listener) => listeners.push(listener),
  }
}
