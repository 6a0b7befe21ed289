import type { Chain } from './chain.ts'
import { pack } from './consents.ts'
import { packHandle, packRights } from './handle-words.ts'
import { addressOf } from './keys.ts'
import { INTERFACES } from './outcome.ts'
import type { Called, Story, World } from './world.ts'

type Value = string | number | bigint | boolean
type Contract = keyof typeof INTERFACES
type Look = (contract: Contract, name: string, args: Value[], expected: Value[]) => void

/** Numbers, flags, hashes and addresses as `abi.encode` lays them out: ethers would take longer than the chain. */
const words = (values: Value[]) =>
  values
    .map((value) =>
      (typeof value === 'string' ? value.slice(2).toLowerCase() : BigInt(value).toString(16)).padStart(
        64,
        '0',
      ),
    )
    .join('')

const selectors = new Map<string, string>()
function selectorOf(contract: Contract, name: string): string {
  const known = selectors.get(name) ?? INTERFACES[contract].getFunction(name)?.selector
  if (!known) throw new Error(`${contract} has no ${name}`)
  selectors.set(name, known)
  return known
}

/**
 * Reads all that the stories, members and evidence left behind, and compares it with what the model kept.
 * @returns the first difference, if there is one
 */
export async function differenceOfState(
  chain: Chain,
  world: World,
  stories: Story[],
  now: number,
): Promise<string | undefined> {
  const looks: (Called & { what: string; expected: string })[] = []
  const look: Look = (contract, name, args, expected) =>
    looks.push({
      what: `${name}(${args.join(', ')}) of ${contract}`,
      to: chain.contracts[contract],
      data: selectorOf(contract, name) + words(args),
      expected: `0x${words(expected)}`,
    })
  const height = await chain.height()
  for (const story of stories) {
    lookAtHandle(world, story, look)
    lookAtConsents(world, story, now, look)
    lookAtReading(world, story, { now, height }, look)
  }
  lookAtMembers(world, now, look)
  const actual = await chain.look(chain.accounts[0] ?? '', looks)
  const at = looks.findIndex(({ expected }, i) => actual[i] !== expected)
  const found = looks[at]
  return found && `${found.what}: the model keeps ${found.expected}, the chain ${actual[at]}`
}

function lookAtHandle({ patients, commitments }: World, story: Story, look: Look): void {
  const { handle, keys, commitment } = story
  const bound = patients.handleOf(handle)
  look('patientRegistry', 'handleState', [handle], [bound.custodian, packHandle(bound)])
  for (const { signerHash } of keys) {
    const rights = patients.rightsOf(handle, signerHash)
    const word = packRights(rights)
    look('patientRegistry', 'rightsOf', [handle, signerHash], [word, rights.scopes, packHandle(bound)])
    look('patientRegistry', 'narrowingRightsOf', [handle, signerHash], [word])
  }
  const { newSigner, startedAt, readyAt, attempt, untilDay } = patients.recoveryOf(handle)
  look('patientRegistry', 'recoveryOf', [handle], [newSigner, startedAt, readyAt, attempt, untilDay])
  const { status, deadline, requester } = commitments.requestOf(commitment)
  look('accessRequests', 'requestOf', [commitment], [status, deadline, requester])
  const found = commitments.caseOf(commitment)
  look('breakGlass', 'caseOf', [commitment], [found.status, found.declaredAt, found.until, found.member])
}

/** At both registries, whether the story has moved or not. */
function lookAtConsents({ first, next }: World, story: Story, now: number, look: Look): void {
  const { handle, scopes, referrals } = story
  for (const [contract, { model }] of [
    ['consentRegistry', first],
    ['consentSuccessor', next],
  ] as const) {
    for (const scope of scopes) look(contract, 'wordOf', [handle, scope], [model.wordOf(handle, scope)])
    for (const { scope, referral } of referrals) {
      const { anchored, live } = model.referralOf(handle, scope, referral, now)
      const { parentVersion, untilDay, anchoredAt } = anchored
      look(contract, 'referralOf', [handle, scope, referral], [parentVersion, untilDay, anchoredAt, live])
    }
  }
  for (const scope of scopes) {
    const own = next.model.ownWordOf(handle, scope)
    look('consentSuccessor', 'ownWordOf', [handle, scope], [own ? pack(own) : 0])
  }
}

/** All that a decision needs, as each registry reads it at once. */
function lookAtReading(
  { first, next, members, patients, memberIds, groups }: World,
  { handle, scopes, holder }: Story,
  { now, height }: { now: number; height: number },
  look: Look,
): void {
  const bound = patients.handleOf(handle)
  const stateOf = (member: typeof holder) => {
    const { status, generation, admittedAt, roles } = members.stateOf(member)
    return [status, generation, admittedAt, roles]
  }
  const grantee = memberIds.find((member) => member !== holder) ?? holder
  const scopesAt = 128
  const groupsAt = scopesAt + 32 * (1 + scopes.length)
  const args = [handle, scopesAt, grantee, groupsAt, scopes.length, ...scopes, groups.length, ...groups]
  const head = [
    height,
    now,
    bound.custodian,
    packHandle(bound),
    ...stateOf(bound.custodian),
    ...stateOf(grantee),
  ]
  const wordsAt = 32 * (head.length + 2)
  for (const [contract, { model }] of [
    ['consentRegistry', first],
    ['consentSuccessor', next],
  ] as const) {
    look(contract, 'read', args, [
      ...[32, ...head, wordsAt, wordsAt + 32 * (1 + scopes.length)],
      ...[scopes.length, ...scopes.map((scope) => model.wordOf(handle, scope))],
      ...[groups.length, ...groups.map((group) => members.joinedAt(group, grantee))],
    ])
  }
}

function lookAtMembers(world: World, now: number, look: Look): void {
  const { accounts, desks, members, memberIds, groups, evidence, commitments } = world
  for (const account of [...accounts, ...desks.map(addressOf)])
    look('memberRegistry', 'memberOf', [account], [members.memberOf(account)])
  const day = Math.floor(now / 86_400)
  for (const member of memberIds) {
    const { status, generation, admittedAt, roles } = members.stateOf(member)
    look('memberRegistry', 'memberState', [member], [status, generation, admittedAt, roles])
    for (const group of groups)
      look('memberRegistry', 'joinedAt', [group, member], [members.joinedAt(group, member)])
    const { number, until, roots } = evidence.lastWindow(member)
    look('accessLog', 'lastWindow', [member], [number, until])
    for (const [n, root] of [...roots].slice(-20)) look('accessLog', 'rootOf', [member, n], [root])
    for (const tag of world.tags)
      look('recordDirectory', 'commitmentOf', [member, tag], [evidence.commitmentOf(member, tag)])
    look('breakGlass', 'quotaOf', [member, day], [commitments.usedBy(member, day), commitments.quota])
  }
  look('consentSuccessor', 'predecessors', [], [32, 1, world.first.to])
}
