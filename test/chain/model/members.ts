import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'
import { type Event, entry, refuse } from './outcome.ts'

export const STATUS = { none: 0, live: 1, suspended: 2, removed: 3 } as const

export type MemberState = { status: number; generation: number; admittedAt: number; roles: number }

const ALL_ROLES = 63
const MAX_OPERATORS = 16
const NEVER: MemberState = { status: STATUS.none, generation: 0, admittedAt: 0, roles: 0 }
const ZERO_ADDRESS = `0x${'00'.repeat(20)}`

/** Who takes part, as the MemberRegistry should keep it. Accounts are lower-case addresses. */
export function createMembersModel(council: string) {
  const states = new Map<Hex, MemberState>()
  const operators = new Map<string, Hex>()
  const joinings = new Map<string, { generation: number; at: number }>()

  const stateOf = (member: Hex): MemberState => states.get(member) ?? NEVER
  const memberOf = (account: string): Hex => operators.get(account) ?? ZERO_32
  const joinedAt = (group: Hex, member: Hex): number => {
    const { status, generation } = stateOf(member)
    const joining = joinings.get(`${group}${member}`)
    const standing = status === STATUS.live || status === STATUS.suspended
    return joining && standing && joining.generation === generation ? joining.at : 0
  }

  const councilOnly = (sender: string) => {
    if (sender !== council) refuse('AccessManagedUnauthorized', sender)
  }
  const require = (member: Hex, ...wanted: number[]): MemberState => {
    const state = stateOf(member)
    if (!wanted.includes(state.status)) refuse('MemberStatusInvalid', member, state.status)
    return state
  }
  const change = (member: Hex, more: Partial<MemberState>) =>
    states.set(member, { ...stateOf(member), ...more })
  const checkRoles = (roles: number) => {
    if ((roles & ~ALL_ROLES) !== 0) refuse('MemberRolesUnknown', roles)
  }
  /** In the contract's order: what leaves is replaced by the last. */
  const lists = new Map<Hex, string[]>()
  const operatorsOf = (member: Hex) => entry(lists, member, () => [])
  const addOperator = (member: Hex, account: string): Event => {
    if (account === ZERO_ADDRESS) refuse('MemberOperatorZero')
    const taken = operators.get(account)
    if (taken) refuse('MemberOperatorTaken', account, taken)
    if (operatorsOf(member).length === MAX_OPERATORS) refuse('MemberOperatorsFull', member, MAX_OPERATORS)
    operators.set(account, member)
    operatorsOf(member).push(account)
    return ['OperatorSet', member, account, true]
  }
  const liveMemberOf = (account: string): Hex => {
    const member = operators.get(account)
    if (!member) refuse('MemberOperatorUnknown', account)
    require(member, STATUS.live)
    return member
  }

  return {
    stateOf,
    memberOf,
    joinedAt,
    /** The live member that an account acts for in a role. */
    requireRole(account: string, role: number): Hex {
      const member = liveMemberOf(account)
      if ((stateOf(member).roles & role) !== role) refuse('MemberRoleMissing', member, role)
      return member
    },
    admit(
      sender: string,
      now: number,
      member: Hex,
      roles: number,
      account: string,
      profile: string,
    ): Event[] {
      councilOnly(sender)
      if (member === ZERO_32) refuse('MemberIdZero')
      const { generation: before } = require(member, STATUS.none, STATUS.removed)
      checkRoles(roles)
      const operator = addOperator(member, account)
      const generation = before + 1
      states.set(member, { status: STATUS.live, generation, admittedAt: now, roles })
      return [
        ['MemberAdmitted', member, generation, roles],
        operator,
        ['ProfileSet', member, generation, profile],
      ]
    },
    suspend(sender: string, member: Hex): Event[] {
      councilOnly(sender)
      require(member, STATUS.live)
      change(member, { status: STATUS.suspended })
      return [['MemberSuspended', member]]
    },
    reinstate(sender: string, member: Hex): Event[] {
      councilOnly(sender)
      require(member, STATUS.suspended)
      change(member, { status: STATUS.live })
      return [['MemberReinstated', member]]
    },
    /** Frees the operators from the last to the first. */
    remove(sender: string, member: Hex): Event[] {
      councilOnly(sender)
      require(member, STATUS.live, STATUS.suspended)
      change(member, { status: STATUS.removed })
      const freed = operatorsOf(member).splice(0).reverse()
      for (const account of freed) operators.delete(account)
      const events: Event[] = freed.map((account) => ['OperatorSet', member, account, false])
      return [...events, ['MemberRemoved', member]]
    },
    setRoles(sender: string, member: Hex, roles: number): Event[] {
      councilOnly(sender)
      require(member, STATUS.live, STATUS.suspended)
      checkRoles(roles)
      change(member, { roles })
      return [['RolesSet', member, roles]]
    },
    joinGroup(sender: string, now: number, group: Hex, member: Hex): Event[] {
      councilOnly(sender)
      const { generation } = require(member, STATUS.live)
      if (joinedAt(group, member) !== 0) refuse('MemberInGroup', group, member)
      joinings.set(`${group}${member}`, { generation, at: now })
      return [['GroupJoined', group, member]]
    },
    leaveGroup(sender: string, group: Hex, member: Hex): Event[] {
      councilOnly(sender)
      if (joinedAt(group, member) === 0) refuse('MemberNotInGroup', group, member)
      joinings.delete(`${group}${member}`)
      return [['GroupLeft', group, member]]
    },
    setOperator(sender: string, account: string, allowed: boolean): Event[] {
      const member = liveMemberOf(sender)
      if (allowed) return [addOperator(member, account)]
      if (account === sender) refuse('MemberOperatorIsCaller', account)
      if (operators.get(account) !== member) refuse('MemberOperatorUnknown', account)
      operators.delete(account)
      const list = operatorsOf(member)
      const last = list.pop() ?? account
      if (last !== account) list[list.indexOf(account)] = last
      return [['OperatorSet', member, account, false]]
    },
  }
}

export type MembersModel = ReturnType<typeof createMembersModel>

const ROLE_CUSTODIAN = 1

/** Commitments and windows, as RecordDirectory and AccessLog should keep them. */
export function createEvidenceModel(members: MembersModel) {
  const commitments = new Map<Hex, Map<Hex, Hex>>()
  const windows = new Map<Hex, { number: number; until: number; roots: Map<number, Hex> }>()
  const windowsOf = (member: Hex) => entry(windows, member, () => ({ number: 0, until: 0, roots: new Map() }))
  return {
    commitmentOf: (member: Hex, tag: Hex): Hex => commitments.get(member)?.get(tag) ?? ZERO_32,
    lastWindow: (member: Hex) => windowsOf(member),
    register(sender: string, tags: Hex[], given: Hex[], pointers: Hex): Event[] {
      const custodian = members.requireRole(sender, ROLE_CUSTODIAN)
      if (tags.length === 0 || tags.length > 200) refuse('RecordCountInvalid', tags.length, 200)
      if (given.length !== tags.length) refuse('RecordCommitmentsMismatch', tags.length, given.length)
      const bytes = pointers.length / 2 - 1
      if (bytes !== tags.length * 160) refuse('RecordPointersMismatch', bytes, tags.length * 160)
      const zero = given.indexOf(ZERO_32)
      if (zero >= 0) refuse('RecordCommitmentZero', zero)
      const own = entry(commitments, custodian, () => new Map<Hex, Hex>())
      return tags.map((tag, i): Event => {
        if (own.has(tag)) return ['TagTaken', custodian, tag]
        own.set(tag, given[i] ?? ZERO_32)
        return [
          'RecordRegistered',
          custodian,
          tag,
          given[i],
          `0x${pointers.slice(2 + 320 * i, 322 + 320 * i)}`,
        ]
      })
    },
    anchor(sender: string, now: number, number: number, until: number, root: Hex): Event[] {
      const member = members.memberOf(sender)
      if (member === ZERO_32) refuse('AccessLogOperatorUnknown', sender)
      const last = windowsOf(member)
      if (number !== last.number + 1) refuse('AccessLogNumberMismatch', member, number, last.number + 1)
      if (until <= last.until) refuse('AccessLogWindowInverted', member, last.until, until)
      if (until > now + 60) refuse('AccessLogWindowAhead', member, until, now + 60)
      if (root === ZERO_32) refuse('AccessLogRootZero', member, number)
      const event: Event = ['WindowAnchored', member, number, last.until, until, root]
      Object.assign(last, { number, until })
      last.roots.set(number, root)
      return [event]
    },
  }
}

export type EvidenceModel = ReturnType<typeof createEvidenceModel>
