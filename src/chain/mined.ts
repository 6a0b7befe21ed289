import { setTimeout as sleep } from 'node:timers/promises'
import { makeError, Transaction, type TransactionReceipt, type TransactionResponse } from 'ethers'

/** First and longest pause between two questions, and how long all of it lasts. Milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE, WITHIN] = [20, 500, 120_000]

/** After how long, and then how often, the same bytes are sent once more: nodes lose what waits. Milliseconds. */
const AGAIN_EVERY = 5_000

/**
 * The receipt of a transaction, asked for until it is there.
 *
 * Not by ethers' `wait`, which hears of blocks through a listener: where the last listener of a provider leaves in the
 * very turn in which another one comes, ethers 6 forgets the new one, and that wait never ends.
 *
 * @param what names the transaction in errors
 * @throws Error (`CALL_EXCEPTION` of ethers) when it was reverted
 * @throws Error when another transaction of the account has its nonce, or it is not mined within two minutes
 */
export async function mined(
  sent: TransactionResponse,
  what = 'the transaction',
): Promise<TransactionReceipt> {
  const { provider, hash, from, to, nonce } = sent
  let waited = 0
  let taken = 0
  let again = AGAIN_EVERY
  for (let pause = FIRST_PAUSE; waited <= WITHIN; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const passed = pause === LONGEST_PAUSE && (await provider.getTransactionCount(from)) > nonce
    const receipt = await provider.getTransactionReceipt(hash)
    if (receipt?.status === 0) {
      const nothing = { data: null, reason: null, invocation: null, revert: null }
      const call = {
        action: 'sendTransaction',
        transaction: { from, to, data: '' },
        receipt,
        ...nothing,
      } as const
      throw makeError(`${what} was reverted`, 'CALL_EXCEPTION', call)
    }
    if (receipt) return receipt
    // A node may know of the account's next number a moment before it has the receipt.
    taken = passed ? taken + 1 : 0
    if (taken > 3) throw new Error(`${what} was sent, but another one has its nonce: ${hash}`)
    await sleep(pause)
    waited += pause
    if (waited >= again) {
      again += AGAIN_EVERY
      // A node that has it still says so, and that is all.
      await provider.broadcastTransaction(Transaction.from(sent).serialized).catch(() => {})
    }
  }
  throw new Error(`${what} was sent, but not mined: ${hash}`)
}
