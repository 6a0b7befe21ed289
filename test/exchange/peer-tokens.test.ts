import { expect, test } from 'vitest'
import type { Asker } from '../../src/exchange/b2b.ts'
import { createPeerTokens } from '../../src/exchange/peer-tokens.ts'

const peer = { id: `0x${'ab'.repeat(32)}`, endpoint: 'https://a.example' } as const
const asker: Asker = { userId: 'dr-1', role: 'physician', organization: 'x|1', purpose: 'TREAT' }

/** A custodian that numbers the tokens that it gives out, each with the life that it was told to say. */
function custodian(expiresIn: number) {
  let seconds = 0
  let given = 0
  const tokens = createPeerTokens({
    clock: { monotonic: () => seconds * 1_000 },
    ask: async () => ({ token: `t${++given}`, expiresIn }),
  })
  const wait = (more: number) => {
    seconds += more
  }
  return { tokens, wait }
}

test('a token is kept for its person, role, purpose, share and peer alone', async () => {
  const { tokens } = custodian(60)
  const take = async (p: typeof peer | { id: typeof peer.id; endpoint: string }, share: string, who: Asker) =>
    (await tokens.take(p, share, who)).token
  expect(await take(peer, 's1', asker)).toBe('t1')
  expect(await take(peer, 's1', { ...asker })).toBe('t1')
  const others = [
    await take(peer, 's2', asker),
    await take({ ...peer, endpoint: 'https://b.example' }, 's1', asker),
    await take(peer, 's1', { ...asker, userId: 'dr-2' }),
    await take(peer, 's1', { ...asker, role: 'nurse' }),
    await take(peer, 's1', { ...asker, purpose: 'ETREAT' }),
    await take(peer, 's1', { ...asker, userName: 'Dr One' }),
  ]
  expect(others).toEqual(['t2', 't3', 't4', 't5', 't6', 't7'])
  expect(await take(peer, 's1', asker)).toBe('t1')
})

test('a token is used to five seconds before its end and no longer, and never more than a minute, whatever the peer says', async () => {
  for (const [says, last] of [
    [60, 54],
    [30, 24],
    [1e9, 54],
  ] as const) {
    const { tokens, wait } = custodian(says)
    expect(await tokens.take(peer, 's', asker)).toEqual({ token: 't1', kept: false })
    wait(last)
    expect(await tokens.take(peer, 's', asker)).toEqual({ token: 't1', kept: true })
    wait(1)
    expect(await tokens.take(peer, 's', asker)).toEqual({ token: 't2', kept: false })
  }
})

test('a token whose life is no number, or is over, is not kept', async () => {
  for (const says of [Number.NaN, 0, -1, 5]) {
    const { tokens } = custodian(says)
    await tokens.take(peer, 's', asker)
    expect(await tokens.take(peer, 's', asker)).toEqual({ token: 't2', kept: false })
  }
})

test('a token that is dropped is asked for anew', async () => {
  const { tokens } = custodian(60)
  await tokens.take(peer, 's', asker)
  tokens.drop(peer, 's', asker)
  expect((await tokens.take(peer, 's', asker)).token).toBe('t2')
})
