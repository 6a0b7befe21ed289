import type { Kysely } from 'kysely'
import { readConsentWord } from '../domain/consent/consent-word.ts'
import type { Hex } from '../domain/hex.ts'
import { memberId } from '../domain/identity/member-id.ts'
import type { IndexTables } from '../store/schema.ts'

export type IndexedEvent = {
  block: number
  logIndex: number
  transaction: string
  name: string
  args: Record<string, string>
}

export type MemberProfile = {
  id: Hex
  name: string
  /** The organisation's FHIR identifier. */
  identifier: { system: string; value: string }
  endpoint: string
  jwks: { keys: Record<string, unknown>[] }
  /** SHA-256 of the keys that its server may show, base64url; see spki-pin.ts. */
  tlsPins?: string[]
}

/** Events that say which word a slot has now. */
const WORD_EVENTS = [
  'ConsentGranted',
  'ConsentRevoked',
  'ConsentObjected',
  'ObjectionWithdrawn',
  'ConsentAdopted',
]

/** Events that say who signs for a handle. */
const SIGNER_EVENTS = [
  ...['HandleBound', 'GuardianSet', 'DelegateSet', 'DelegateEnded'],
  ...['RecoveryStarted', 'RecoveryVetoed', 'RecoveryCancelled', 'RecoveryCompleted'],
]
/** A member as the council has it. */
export type MemberRecord = {
  status: 'live' | 'suspended' | 'removed' | 'stranger'
  generation: number
  roles: number
}

const MEMBER_STATUS: Readonly<Record<string, MemberRecord['status']>> = {
  MemberAdmitted: 'live',
  MemberReinstated: 'live',
  MemberSuspended: 'suspended',
  MemberRemoved: 'removed',
}
/** A successor adopts members as they are: of their standing that says nothing new. */
const MEMBER_EVENTS = [...Object.keys(MEMBER_STATUS), 'MemberAdopted', 'RolesSet']

/** What brokers look up in the index. It finds candidates and shows pointers; it never permits (see consent-reader). */
export type IndexQueries = ReturnType<typeof createIndexQueries>

export function createIndexQueries(db: Kysely<IndexTables>) {
  const newest = (name: string, key1: string, key2?: string) => {
    let query = db.selectFrom('events').selectAll().where('name', '=', name).where('key1', '=', key1)
    if (key2 !== undefined) query = query.where('key2', '=', key2)
    return query.orderBy('block', 'desc').orderBy('log_index', 'desc').limit(1).executeTakeFirst()
  }

  return {
    /** The entry under a custodian's tag, or undefined. The first one stands: tags are never overwritten. */
    async pointer(
      custodian: Hex,
      tag: Hex,
    ): Promise<{ commitment: Hex; pointer: Uint8Array; block: number } | undefined> {
      const row = await db
        .selectFrom('events')
        .select(['args', 'block'])
        .where('name', '=', 'RecordRegistered')
        .where('key1', '=', custodian)
        .where('key2', '=', tag)
        .orderBy('block')
        .orderBy('log_index')
        .limit(1)
        .executeTakeFirst()
      if (!row) return undefined
      const args = JSON.parse(row.args) as { commitment: Hex; pointer: string }
      return {
        commitment: args.commitment,
        pointer: Buffer.from(args.pointer.slice(2), 'hex'),
        block: row.block,
      }
    },

    /** Which of these tags the index holds, in one query. */
    async pointers(
      custodian: Hex,
      tags: Hex[],
    ): Promise<Map<Hex, { commitment: Hex; pointer: Uint8Array; block: number }>> {
      if (tags.length === 0) return new Map()
      const rows = await db
        .selectFrom('events')
        .select(['key2', 'args', 'block'])
        .where('name', '=', 'RecordRegistered')
        .where('key1', '=', custodian)
        .where('key2', 'in', tags)
        .orderBy('block', 'desc')
        .orderBy('log_index', 'desc')
        .execute()
      return new Map(
        rows.map(({ key2, args, block }) => {
          const { commitment, pointer } = JSON.parse(args) as { commitment: Hex; pointer: string }
          return [key2 as Hex, { commitment, pointer: Buffer.from(pointer.slice(2), 'hex'), block }]
        }),
      )
    },

    /**
     * A member's newest profile; undefined for a stranger, and for one whose profile names another organisation than the
     * council admitted: consents name organisations by identifier, so a borrowed one would borrow another's consents.
     */
    async profile(member: Hex): Promise<MemberProfile | undefined> {
      const row = await newest('ProfileSet', member)
      return row && profileIn(member, row.args)
    },

    /** All keys that a member had published by this block, whether it has taken them back since or not. */
    async keysPublishedBy(member: Hex, block: number): Promise<MemberProfile['jwks']> {
      const rows = await db
        .selectFrom('events')
        .select('args')
        .where('name', '=', 'ProfileSet')
        .where('key1', '=', member)
        .where('block', '<=', block)
        .orderBy('block', 'desc')
        .orderBy('log_index', 'desc')
        .limit(MAX_PROFILES)
        .execute()
      return { keys: rows.flatMap(({ args }) => profileIn(member, args)?.jwks.keys ?? []) }
    },

    async members(): Promise<Hex[]> {
      const rows = await db
        .selectFrom('events')
        .select('key1')
        .distinct()
        .where('name', '=', 'MemberAdmitted')
        .orderBy('key1')
        .execute()
      return rows.map((row) => row.key1 as Hex)
    },

    /** Whether a member takes part, as the index has it: `left` where it was suspended or removed. */
    async standing(member: Hex): Promise<'live' | 'left' | 'stranger'> {
      const row = await db
        .selectFrom('events')
        .select('name')
        .where('name', 'in', ['MemberAdmitted', 'MemberReinstated', 'MemberSuspended', 'MemberRemoved'])
        .where('key1', '=', member)
        .orderBy('block', 'desc')
        .orderBy('log_index', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (!row) return 'stranger'
      return row.name === 'MemberAdmitted' || row.name === 'MemberReinstated' ? 'live' : 'left'
    },

    /** What the council has said of a member last, as the index has it: its standing, generation, and roles as bits. */
    async memberRecord(member: Hex): Promise<MemberRecord> {
      const rows = await db
        .selectFrom('events')
        .select(['name', 'args'])
        .where('name', 'in', MEMBER_EVENTS)
        .where('key1', '=', member)
        .orderBy('block')
        .orderBy('log_index')
        .execute()
      const record: MemberRecord = { status: 'stranger', generation: 0, roles: 0 }
      for (const { name, args } of rows) {
        const { generation, roles } = JSON.parse(args) as { generation?: string; roles?: string }
        record.status = MEMBER_STATUS[name] ?? record.status
        if (generation !== undefined) record.generation = Number(generation)
        if (roles !== undefined) record.roles = Number(roles)
      }
      return record
    },

    /** The groups that the member has ever joined and not left; the chain has the last word. */
    async groupsOf(member: Hex): Promise<Hex[]> {
      const rows = await db
        .selectFrom('events')
        .select(['name', 'key1'])
        .where('name', 'in', ['GroupJoined', 'GroupLeft'])
        .where('key2', '=', member)
        .orderBy('block')
        .orderBy('log_index')
        .execute()
      const last = new Map(rows.map((row) => [row.key1 as Hex, row.name]))
      return [...last].filter(([, name]) => name === 'GroupJoined').map(([group]) => group)
    },

    async membersOfGroup(group: Hex): Promise<Hex[]> {
      const rows = await db
        .selectFrom('events')
        .select(['name', 'key2'])
        .where('name', 'in', ['GroupJoined', 'GroupLeft'])
        .where('key1', '=', group)
        .orderBy('block')
        .orderBy('log_index')
        .execute()
      const last = new Map(rows.map((row) => [row.key2 as Hex, row.name]))
      return [...last].filter(([, name]) => name === 'GroupJoined').map(([member]) => member)
    },

    /**
     * A slot's newest word as the index has it: a hint for the patient, never a ground to permit. The highest version,
     * not the last event: a consent registry and what it took over from both have events.
     * @param below only versions lower than this one: what a word took the place of
     */
    async slotWord(handle: Hex, scope: Hex, below = Number.POSITIVE_INFINITY): Promise<bigint | undefined> {
      const rows = await db
        .selectFrom('events')
        .select('args')
        .where('name', 'in', WORD_EVENTS)
        .where('key1', '=', handle)
        .where('key2', '=', scope)
        .orderBy('block')
        .orderBy('log_index')
        .execute()
      return rows
        .map(({ args }) => BigInt((JSON.parse(args) as { word: string }).word))
        .filter((word) => readConsentWord(word).version < below)
        .reduce<bigint | undefined>(
          (newest, word) =>
            newest !== undefined && readConsentWord(newest).version > readConsentWord(word).version
              ? newest
              : word,
          undefined,
        )
    },

    /** In their order, the events that say who signs for a handle. */
    async signerEvents(handle: Hex): Promise<Pick<IndexedEvent, 'name' | 'args'>[]> {
      const rows = await db
        .selectFrom('events')
        .select(['name', 'args'])
        .where('name', 'in', SIGNER_EVENTS)
        .where('key1', '=', handle)
        .orderBy('block')
        .orderBy('log_index')
        .execute()
      return rows.map(({ name, args }) => ({ name, args: JSON.parse(args) as Record<string, string> }))
    },

    /** Whether a handle is locked, and its epoch, as the index has it: a hint like `slotWord`. */
    async lockOf(handle: Hex): Promise<{ locked: boolean; epoch: number }> {
      const row = await db
        .selectFrom('events')
        .select(['name', 'args'])
        .where('name', 'in', ['HandleLocked', 'HandleUnlocked'])
        .where('key1', '=', handle)
        .orderBy('block', 'desc')
        .orderBy('log_index', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (!row) return { locked: false, epoch: 0 }
      return {
        locked: row.name === 'HandleLocked',
        epoch: Number((JSON.parse(row.args) as { epoch: string }).epoch),
      }
    },

    /** A request for access as the index has it. */
    async request(
      commitment: Hex,
    ): Promise<{ requester: Hex; deadline: number; status: 'open' | 'closed' | 'lapsed' } | undefined> {
      const rows = await db
        .selectFrom('events')
        .select(['name', 'args'])
        .where('name', 'in', ['RequestOpened', 'RequestClosed', 'RequestLapsed'])
        .where('key1', '=', commitment)
        .execute()
      const opened = rows.find(({ name }) => name === 'RequestOpened')
      if (!opened) return undefined
      const { requester, deadline } = JSON.parse(opened.args) as { requester: Hex; deadline: string }
      const has = (event: string) => rows.some(({ name }) => name === event)
      const status = has('RequestClosed') ? 'closed' : has('RequestLapsed') ? 'lapsed' : 'open'
      return { requester, deadline: Number(deadline), status }
    },

    /** Who holds the handle, as the binding event said. */
    async custodianOf(handle: Hex): Promise<Hex | undefined> {
      const row = await newest('HandleBound', handle)
      return row ? (JSON.parse(row.args) as { custodian: Hex }).custodian : undefined
    },

    /** Events after a place, in total order. */
    async eventsAfter(block: number, logIndex: number, limit: number): Promise<IndexedEvent[]> {
      const rows = await db
        .selectFrom('events')
        .selectAll()
        // Compared as a row, so that the primary key finds the place: with an `or` all of the index is read.
        .where((eb) => eb(eb.refTuple('block', 'log_index'), '>', eb.tuple(block, logIndex)))
        .orderBy('block')
        .orderBy('log_index')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        block: row.block,
        logIndex: row.log_index,
        transaction: row.transaction,
        name: row.name,
        args: JSON.parse(row.args) as Record<string, string>,
      }))
    },

    /** Where events stand in these blocks. */
    async placesIn(
      blocks: readonly number[],
    ): Promise<Pick<IndexedEvent, 'block' | 'logIndex' | 'transaction'>[]> {
      if (blocks.length === 0) return []
      const rows = await db
        .selectFrom('events')
        .select(['block', 'log_index', 'transaction'])
        .where('block', 'in', [...blocks])
        .execute()
      return rows.map((row) => ({ block: row.block, logIndex: row.log_index, transaction: row.transaction }))
    },

    /** Number and block of the member's newest anchored window. */
    async lastWindow(member: Hex): Promise<{ number: number; until: number } | undefined> {
      const rows = await db
        .selectFrom('events')
        .select('args')
        .where('name', '=', 'WindowAnchored')
        .where('key1', '=', member)
        .orderBy('block', 'desc')
        .orderBy('log_index', 'desc')
        .limit(1)
        .execute()
      const args = rows[0] && (JSON.parse(rows[0].args) as { number: string; until: string })
      return args && { number: Number(args.number), until: Number(args.until) }
    },
  }
}

/** As many of a member's former profiles as are looked through for a key, the newest first. */
const MAX_PROFILES = 200

function profileIn(member: Hex, args: string): MemberProfile | undefined {
  try {
    const { profile } = JSON.parse(args) as { profile: string }
    return profileOf(member, JSON.parse(profile))
  } catch {
    return undefined // a member that publishes nonsense is one without a profile
  }
}

function profileOf(member: Hex, claimed: Partial<MemberProfile>): MemberProfile | undefined {
  const { name, identifier, endpoint, jwks, tlsPins = [] } = claimed
  if (!identifier || memberId(identifier) !== member) return undefined
  if (typeof name !== 'string' || !/^https?:\/\//.test(String(endpoint)) || !Array.isArray(jwks?.keys))
    return undefined
  if (!Array.isArray(tlsPins) || tlsPins.length > 8 || !tlsPins.every((pin) => typeof pin === 'string'))
    return undefined
  return { ...(claimed as MemberProfile), id: member }
}
