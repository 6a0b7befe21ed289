import { JsonRpcProvider } from 'ethers'
import { MemberRegistry__factory } from '../../chain/contracts.ts'
import { groupId } from '../../domain/identity/member-id.ts'
import { councilOf } from '../council.ts'
import { deviceOf } from '../enrol-samples.ts'
import { createHisClient, type HisClient } from '../his-client.ts'
import { NotYet, patiently } from '../patiently.ts'
import type { SandboxFile } from '../sandbox-file.ts'
import { listUntil, refused, type Step } from './step.ts'

type Hospital = SandboxFile['hospitals'][number]

/** What the steps work with: hospitals and person of the story, and how many records they are about. */
export type CouncilScene = {
  file: SandboxFile
  custodian: Hospital
  grantee: Hospital
  his: HisClient
  person: SandboxFile['patients'][number]
  classes: string[]
  ordinary: number
}

const SUSPENDED = 2n

/**
 * A group that the council keeps: a hospital joins by the council's act, the patient lets the group see records, another
 * hospital joins later and sees nothing; and a suspension by a vote of each chamber counts at once. Ends where it began, and
 * begins wherever an earlier telling was broken off.
 */
export function councilSteps(scene: CouncilScene): Step[] {
  const { file, custodian, grantee, his, person, classes, ordinary } = scene
  const [name] = file.council.groups
  const third = file.hospitals.find(({ key }) => key !== custodian.key && key !== grantee.key)
  if (name === undefined || !third) throw new Error('The story needs a group and a third hospital')
  const group = groupId(name)
  const to = { granteeType: 'Group' as const, grantee: name }
  const device = deviceOf(file, custodian, person)
  let record: string | undefined

  async function withCouncil<T>(work: (council: Council, members: Members) => Promise<T>): Promise<T> {
    const { rpc, chainId, contracts } = file.chain
    const options = { staticNetwork: true, cacheTimeout: -1, pollingInterval: 50 }
    const provider = new JsonRpcProvider(rpc, chainId, options)
    try {
      const council = councilOf({ provider, ...file.chain, seats: file.council.seats })
      return await work(council, MemberRegistry__factory.connect(contracts.memberRegistry, provider))
    } finally {
      provider.destroy()
    }
  }

  /** Both out of the group again, nobody suspended, no consent for the group: as before the first telling. */
  async function beginAnew(council: Council, members: Members): Promise<void> {
    const undone: Parameters<Council['carry']>[0][] = []
    for (const { member } of [grantee, third as Hospital]) {
      if ((await members.joinedAt(group, member)) > 0n) undone.push(council.calls.leaveGroup(group, member))
      if ((await members.memberState(member)).status === SUSPENDED)
        undone.push(council.calls.reinstate(member))
    }
    const carried = await Promise.all(undone.map((call) => council.carry(call)))
    for (const act of carried) await council.perform(act)
    const { consents } = await patiently(() => device.consents())
    if (consents.some((c) => c.scope.grantee === name && c.state === 'permit'))
      await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
  }

  const opensAgain = () =>
    patiently(async () => {
      const answer = await his.open(record ?? '', 'TREAT')
      if (answer.status !== 200) throw new NotYet(`opening answered ${answer.status} ${answer.code ?? ''}`)
    })

  return [
    {
      name: 'council-act',
      title: `The council puts ${grantee.name} into the group "${name}": a vote of each chamber, then the delay`,
      run: () =>
        withCouncil(async (council, members) => {
          await beginAnew(council, members)
          const joining = await council.carry(council.calls.joinGroup(group, grantee.member))
          // Voted for now, done later, so that the story does not wait twice.
          await council.carry(council.calls.joinGroup(group, third.member))
          await council.perform(joining)
          // A consent mined in the very second of the joining would not reach it: times are whole seconds.
          await new Promise((done) => setTimeout(done, 1_000 - (Date.now() % 1_000)))
          const chambers = file.council.seats.map(({ chamber }) => chamber).join(', ')
          return `Act ${joining.id}: voted for by ${chambers}; performed after ${file.council.delay} s here, fourteen days where it counts. The account that deployed the contracts could not have done it.`
        }),
    },
    {
      name: 'group-grant',
      title: `The patient lets the group "${name}" see the same records, and ${grantee.name} opens one`,
      async run() {
        await patiently(() => device.grant({ to, purpose: 'TREAT', classes }))
        const listed = await listUntil(his, person, ordinary)
        record = listed.entry?.[0]?.resource?.id
        await opensAgain()
        return `${listed.total} records listed and one opened, under a consent that names no hospital.`
      },
    },
    {
      name: 'joined-later',
      title: `${third.name} joins the group after the consent and sees nothing by it`,
      run: () =>
        withCouncil(async (council, members) => {
          const asking = createHisClient({
            broker: third.broker,
            client: third.his,
            organization: third.identifier,
            user: { id: 'physician-9', name: 'Dr. Nine', role: 'physician' },
          })
          // Somebody may have granted it something for itself.
          const before = await patiently(async () => {
            const { status, body } = await asking.list(person.nationalId, 'TREAT')
            if (status !== 200) throw new NotYet(`the list answered ${status}`)
            return body.total ?? 0
          })
          await council.perform(await council.carry(council.calls.joinGroup(group, third.member)))
          const at = (await members.runner?.provider?.getBlockNumber()) ?? 0
          await patiently(async () => {
            const ready = (await (await fetch(`${custodian.broker}/ready`)).json()) as { indexed: number }
            if (ready.indexed < at) throw new NotYet(`${custodian.name} has not seen it yet`)
          })
          await listUntil(asking, person, before)
          return 'The council can add members; what it adds, a consent given before does not reach.'
        }),
    },
    {
      name: 'suspended-at-once',
      title: `Three votes suspend ${grantee.name}: refused at once; reinstated after the delay`,
      run: () =>
        withCouncil(async (council) => {
          await council.act(council.calls.suspend(grantee.member))
          const back = await council.carry(council.calls.reinstate(grantee.member))
          // Voted for now, done in the next step.
          for (const { member } of [grantee, third])
            await council.carry(council.calls.leaveGroup(group, member))
          await refused(his, record, 'TREAT')
          await council.perform(back)
          await opensAgain()
          return 'Refused while suspended though the consent stood; opened again once reinstated. The consent itself was never touched.'
        }),
    },
    {
      name: 'group-revoked',
      title: `The patient stops sharing with the group, and the council empties it`,
      run: () =>
        withCouncil(async (council, members) => {
          await patiently(() => device.revoke({ to, purpose: 'TREAT' }))
          await refused(his, record, 'TREAT')
          await listUntil(his, person, 0)
          for (const { member } of [grantee, third])
            if ((await members.joinedAt(group, member)) > 0n)
              await council.perform(await council.carry(council.calls.leaveGroup(group, member)))
          return `Refused, listed no more, and nobody is in "${name}".`
        }),
    },
  ]
}

type Council = ReturnType<typeof councilOf>
type Members = ReturnType<typeof MemberRegistry__factory.connect>
