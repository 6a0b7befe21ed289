import { createHmac } from 'node:crypto'
import { isError, type JsonRpcProvider, Wallet } from 'ethers'
import type { Kysely } from 'kysely'
import { completeRecoveryCall } from '../../chain/act-calls.ts'
import { type Contracts, MemberRegistry__factory } from '../../chain/contracts.ts'
import { enqueueCall } from '../../chain/sender.ts'
import type { SignerReader } from '../../chain/signer-reader.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Hex } from '../../domain/hex.ts'
import { RECOVERY_STATES } from '../../domain/identity/own-recovery.ts'
import type { Logger } from '../../observe/log.ts'
import type { PatientStore, StoredPatient } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Lead } from '../../turns/lead.ts'
import { createTurns } from '../../turns/turns.ts'
import { freezeOf } from '../identity/freezes.ts'

export type RecoveryKeeper = {
  /** Looks now at every recovery that is under way; never throws. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** How often recoveries are looked at. A wait lasts days. Milliseconds. */
const EVERY = 2_000

/**
 * The account of the second registrar, whom the contract asks for against a veto. Any account of a member may admit another, so
 * one that comes from the first one's key is as good as one that lies beside it.
 */
function secondRegistrar(operator: string): string {
  const key = Buffer.from(operator.replace(/^0x/, ''), 'hex')
  return `0x${createHmac('sha256', key).update('wayleave/second-registrar').digest('hex')}`
}

/**
 * Does by itself what recoveries wait for: sends the second registrar's word against a veto, and completes what has waited long
 * enough by the chain's own clock. Nothing is completed while it is in doubt whose record it is.
 */
export function createRecoveryKeeper(deps: {
  db: Kysely<BrokerTables>
  patients: PatientStore
  signers: SignerReader
  provider: JsonRpcProvider
  contracts: Contracts
  chainId: number
  operator: string
  custodian: Hex
  clock: Clock
  log: Logger
  lead: Pick<Lead, 'holds'>
  afterStore: () => void
}): RecoveryKeeper {
  const { db, signers, contracts, provider, clock } = deps
  const second = new Wallet(secondRegistrar(deps.operator), provider)
  const members = MemberRegistry__factory.connect(contracts.memberRegistry, provider)

  async function complete(patient: StoredPatient): Promise<void> {
    const { handle } = patient.secrets
    const { readyAt, attempt } = await signers.recoveryOf(handle)
    if ((await signers.time()) < readyAt || (await freezeOf(db, patient))) return
    await enqueueCall(db, clock, {
      ...completeRecoveryCall(contracts, handle),
      dedupeKey: `recovery-complete/${handle}/${attempt}`,
    })
    deps.afterStore()
  }

  /** The first registrar's word is the outbox's to send; this is the other's. */
  async function vouch(row: { id: string; calldata: string }): Promise<void> {
    if ((await members.memberOf(second.address)).toLowerCase() !== deps.custodian) {
      const data = members.interface.encodeFunctionData('setOperator', [second.address, true]) as Hex
      const call = { contract: contracts.memberRegistry as Hex, data }
      await enqueueCall(db, clock, { ...call, dedupeKey: `second-registrar/${second.address}` })
      return deps.afterStore()
    }
    const first = await db
      .selectFrom('chain_outbox')
      .select('status')
      .where('dedupe_key', '=', `recovery/${row.id}`)
      .executeTakeFirst()
    if (first?.status !== 'mined') return
    const call = { to: contracts.patientRegistry, data: row.calldata }
    try {
      const gasLimit = ((await second.estimateGas(call)) * 13n) / 10n
      await second.sendTransaction({ ...call, gasLimit, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n })
    } catch (error) {
      if (!isError(error, 'CALL_EXCEPTION')) throw error
      deps.log.warn({ selector: error.data?.slice(0, 10) ?? 'refused' }, 'a veto could not be overridden')
    }
  }

  async function run(): Promise<void> {
    const rows = await db
      .selectFrom('recoveries')
      .selectAll()
      .where('used', '=', true)
      .where(
        'patient_id',
        'in',
        db.selectFrom('patient_signers').select('patient_id').where('kind', '=', 'candidate'),
      )
      .execute()
    for (const [patientId, of] of Map.groupBy(rows, ({ patient_id }) => patient_id)) {
      const patient = await deps.patients.byId(db, patientId)
      if (!patient) continue
      const state = RECOVERY_STATES[(await signers.handleOf(patient.secrets.handle)).recovery]
      const { attempt } = await signers.recoveryOf(patient.secrets.handle)
      if (state === 'pending' || state === 'overriding') await complete(patient)
      const next = of.find((row) => row.overrides && row.attempt === attempt + 1)
      if (state === 'vetoed' && next?.calldata) await vouch({ id: next.id, calldata: next.calldata })
    }
  }

  return createTurns({
    everyMs: EVERY,
    run,
    failed: (error) => deps.log.debug({ error }, 'recoveries wait for the chain'),
    lead: deps.lead,
  })
}
