import { readFileSync } from 'node:fs'
import { type FunctionFragment, type Interface, isAddress } from 'ethers'
import {
  AccessManager__factory,
  Council__factory,
  MemberRegistrySuccessor__factory,
  Succession__factory,
} from '../../chain/contracts.ts'
import { CHAMBERS } from '../../chain/council.ts'
import { ROLES as COUNCIL_ROLES } from '../../chain/deploy.ts'
import { type Hex, isHex } from '../../domain/hex.ts'
import { groupId, identifierText, memberId } from '../../domain/identity/member-id.ts'
import type { Network } from './network.ts'

/** Roles of the MemberRegistry, at their bits. */
const ROLES = ['custodian', 'requester', 'registrar', 'relayer', 'auditor', 'emergency'] as const

const members = MemberRegistrySuccessor__factory.createInterface()
const manager = AccessManager__factory.createInterface()
const succession = Succession__factory.createInterface()
const councilApi = Council__factory.createInterface()

/** What the council is asked to do: a contract's address and what it is called with. */
export type ProposedCall = { target: string; data: string }

/**
 * The calls that the council makes, by the words in which they are asked for.
 * @throws RangeError or Error that says what was wrong with the words.
 */
export function callsOf({ chain: { contracts }, memberOf }: Network) {
  const ofMembers = (data: string): ProposedCall => ({ target: contracts.memberRegistry, data })
  return {
    suspend: (member: string) => ofMembers(members.encodeFunctionData('suspend', [memberOf(member)])),
    reinstate: (member: string) => ofMembers(members.encodeFunctionData('reinstate', [memberOf(member)])),
    remove: (member: string) => ofMembers(members.encodeFunctionData('remove', [memberOf(member)])),
    'set-roles': (member: string, roles: string) =>
      ofMembers(members.encodeFunctionData('setRoles', [memberOf(member), roleBits(roles.split(','))])),
    join: (group: string, member: string) =>
      ofMembers(members.encodeFunctionData('joinGroup', [groupOf(group), memberOf(member)])),
    leave: (group: string, member: string) =>
      ofMembers(members.encodeFunctionData('leaveGroup', [groupOf(group), memberOf(member)])),
    admit: (file: string) => {
      const { id, roles, operator, profile } = readAdmission(file)
      return ofMembers(members.encodeFunctionData('admit', [id, roleBits(roles), operator, profile]))
    },
    'set-seat': (account: string, chamber: string): ProposedCall => ({
      target: contracts.council,
      data: councilApi.encodeFunctionData('setSeat', [addressOf(account), chamberOf(chamber)]),
    }),
    adopt: (list: string) =>
      ofMembers(members.encodeFunctionData('adopt', [list.split(',').map((member) => memberOf(member))])),
    /** What a member registry or a succession of functions has for the council is its own only once they are bound. */
    bind: (contract: string, role: string, names: string): ProposedCall => ({
      target: contracts.accessManager,
      data: manager.encodeFunctionData('setTargetFunctionRole', [
        addressOf(contract),
        names.split(',').map(selectorOf),
        councilRole(role),
      ]),
    }),
    announce: (old: string, next: string): ProposedCall => ({
      target: contracts.succession,
      data: succession.encodeFunctionData('announce', [addressOf(old), addressOf(next)]),
    }),
  }
}

const groupOf = (text: string): Hex => (isHex(text, 32) ? text : groupId(text))

function addressOf(text: string): string {
  if (!isAddress(text)) throw new RangeError(`${String(text)} is no address: 0x and 40 hexadecimal digits.`)
  return text
}

function chamberOf(text: string): number {
  const place = (CHAMBERS as readonly string[]).indexOf(text)
  if (place >= 0) return place
  throw new RangeError(`There is no chamber ${text}: ${CHAMBERS.join(', ')}.`)
}

/** Each by its words on the command line. */
const BINDINGS: Readonly<Record<string, bigint>> = {
  'at-once': COUNCIL_ROLES.atOnce,
  delayed: COUNCIL_ROLES.delayed,
}

function councilRole(text: string): bigint {
  const role = BINDINGS[text]
  if (role !== undefined) return role
  throw new RangeError(`There is no role ${text} of the council: ${Object.keys(BINDINGS).join(', ')}.`)
}

/** By name or selector. */
function functionCalled(text: string): FunctionFragment | null {
  const [ofMembers, ofSuccession]: Interface[] = [members, succession]
  return ofMembers?.getFunction(text) ?? ofSuccession?.getFunction(text) ?? null
}

function selectorOf(name: string): string {
  const found = functionCalled(name.trim())
  if (found) return found.selector
  throw new RangeError(`There is no function ${name.trim()} that the council is asked for.`)
}

function boundNames(selectors: readonly string[]): string {
  return selectors.map((selector) => functionCalled(selector)?.name ?? selector).join(', ')
}

function roleBits(names: readonly string[]): number {
  return names.reduce((bits, name) => {
    const place = (ROLES as readonly string[]).indexOf(name.trim())
    if (place < 0) throw new RangeError(`There is no role ${name.trim()}: ${ROLES.join(', ')}.`)
    return bits | (1 << place)
  }, 0)
}

function readAdmission(file: string) {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<{
    identifier: { system: string; value: string }
    roles: string[]
    operator: string
    profile: object
  }>
  const { identifier, roles, operator, profile } = read
  if (!identifier?.system || !identifier.value)
    throw new Error(`${file}: identifier.system, identifier.value`)
  if (!Array.isArray(roles)) throw new Error(`${file}: roles, a list of ${ROLES.join(', ')}`)
  return {
    id: memberId(identifier),
    roles,
    operator: addressOf(operator ?? ''),
    profile: JSON.stringify({ ...profile, identifier }),
  }
}

/** A call of the council in words. What is known of none of our contracts is told by target and bytes. */
export function inWords({ chain: { contracts }, nameOf }: Network, { target, data }: ProposedCall): string {
  const known: [string, Interface][] = [
    [contracts.memberRegistry, members],
    [contracts.succession, succession],
    [contracts.council, councilApi],
    [contracts.accessManager, manager],
  ]
  const api = known.find(([address]) => address.toLowerCase() === target.toLowerCase())?.[1]
  const parsed = api?.parseTransaction({ data })
  if (!parsed) return `call ${nameOf(target)} with ${data.length > 74 ? `${data.slice(0, 74)}…` : data}`
  const [a, b, c] = parsed.args.map((value: unknown) => nameOf(String(value)))
  switch (parsed.name) {
    case 'suspend':
      return `suspend ${a}`
    case 'reinstate':
      return `reinstate ${a}`
    case 'remove':
      return `remove ${a}`
    case 'setRoles':
      return `make ${a} ${roleNames(parsed.args.roles)}`
    case 'admit':
      return `admit ${admitted(parsed.args.profile, String(parsed.args.member))} as ${roleNames(parsed.args.roles)}, operator ${c}`
    case 'joinGroup':
      return `put ${b} into the group ${a}`
    case 'leaveGroup':
      return `take ${b} out of the group ${a}`
    case 'setSeat':
      return b === '0' ? `take the seat of ${a}` : `give ${a} a seat of the ${CHAMBERS[Number(b)]}`
    case 'adopt':
      return `take over ${(parsed.args.members as string[]).map(nameOf).join(', ')}`
    case 'setTargetFunctionRole': {
      const role = Object.keys(BINDINGS).find((name) => BINDINGS[name] === parsed.args.roleId)
      return `let the council ask ${a} for ${boundNames(parsed.args.selectors as string[])}, ${role ?? `as role ${c}`}`
    }
    case 'announce':
      return `announce ${b} as the successor of ${a}`
    default:
      return `${nameOf(target)}.${parsed.name}(${parsed.args.map((value: unknown) => nameOf(String(value))).join(', ')})`
  }
}

function roleNames(bits: bigint): string {
  const names = ROLES.filter((_, place) => (Number(bits) & (1 << place)) !== 0)
  return names.length > 0 ? names.join(', ') : 'a member without a role'
}

/** The name is only what the proposer wrote; the identifier is what the member id is made of, so it is checked. */
function admitted(profile: string, id: string): string {
  try {
    const { name, identifier } = JSON.parse(profile) as {
      name?: string
      identifier: { system: string; value: string }
    }
    if (memberId(identifier) === id) return `${identifierText(identifier)}, called ${name ?? 'nothing'},`
  } catch {
    // A profile that says nothing about who it is.
  }
  return `member ${id}, whose profile does not say who it is,`
}
