import { Transaction } from 'ethers'

/** How often it is looked. Milliseconds. */
const EVERY = 1_000

/** One answer. Milliseconds. */
const ANSWER_WITHIN = 2_000

type Queued = {
  hash: string
  nonce: string
  to: string | null
  input: string
  value: string
  gas: string
  chainId: string
  maxFeePerGas: string
  maxPriorityFeePerGas: string
  r: string
  s: string
  yParity: string
}

/**
 * Puts transactions that wait for nothing back into their turn.
 *
 * anvil 1.7 files a transaction under "queued" that arrives in the very moment in which the one before it is mined, and
 * never looks at it again: with it all that follow from that account wait for ever. Once in some 700 deployments of our
 * contracts, 30 transactions each. What is taken out and sent anew, the same bytes, is mined at once.
 * @returns ends the watch
 */
export function watchQueue(rpc: string): () => void {
  let timer: NodeJS.Timeout | undefined
  let ended = false

  async function ask<T>(method: string, ...params: unknown[]): Promise<T | undefined> {
    const answer = await fetch(rpc, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    })
    return ((await answer.json()) as { result?: T }).result
  }

  async function look(): Promise<void> {
    const status = await ask<{ queued: string }>('txpool_status')
    if (!status || Number(status.queued) === 0) return
    const pool = await ask<{ queued: Record<string, Record<string, Queued>> }>('txpool_content')
    for (const [account, transactions] of Object.entries(pool?.queued ?? {})) {
      const waiting = Object.values(transactions).sort((x, y) => Number(x.nonce) - Number(y.nonce))
      const next = Number(await ask<string>('eth_getTransactionCount', account, 'latest'))
      if (Number(waiting[0]?.nonce) !== next) continue
      // `anvil_dropTransaction` leaves what is queued where it is.
      await ask('anvil_removePoolTransactions', account)
      for (const one of waiting) await ask('eth_sendRawTransaction', rawOf(one))
    }
  }

  function schedule(): void {
    timer = setTimeout(() => {
      // A chain that does not answer has nothing to be put right.
      void look()
        .catch(() => {})
        .finally(() => {
          if (!ended) schedule()
        })
    }, EVERY)
    timer.unref()
  }
  schedule()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

/** Every transaction here is of EIP-1559. */
function rawOf({ to, input, value, gas, chainId, nonce, r, s, yParity, ...fees }: Queued): string {
  return Transaction.from({
    type: 2,
    ...{ to, data: input, value, gasLimit: gas, chainId, nonce: Number(nonce) },
    maxFeePerGas: fees.maxFeePerGas,
    maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
    signature: { r, s, yParity: Number(yParity) as 0 | 1 },
  }).serialized
}
