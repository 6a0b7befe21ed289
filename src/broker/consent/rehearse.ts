import type { JsonRpcProvider } from 'ethers'
import { isError } from 'ethers'
import type { Call } from '../../chain/act-calls.ts'
import { errorCodeOfSelector } from '../../chain/contract-errors.ts'
import { wayleaveError } from '../../domain/errors.ts'
import type { Hex } from '../../domain/hex.ts'

/**
 * Asks the node whether the contract would take a call now, so that a person hears of a mistake at once.
 * @throws WayleaveError `head-stale` where the node does not answer; otherwise the code of the contract's own error
 */
export async function rehearse(provider: JsonRpcProvider, call: Call): Promise<void> {
  return rehearseAs(provider, call)
}

/** The same for a call that counts only when a certain account sends it. Throws as {@link rehearse} does. */
export async function rehearseAs(provider: JsonRpcProvider, call: Call, from?: Hex): Promise<void> {
  try {
    await provider.call({ to: call.contract, data: call.data, ...(from ? { from } : {}) })
  } catch (error) {
    if (!isError(error, 'CALL_EXCEPTION')) throw wayleaveError('head-stale', 'the node did not answer', error)
    throw wayleaveError(
      errorCodeOfSelector(error.data ?? ''),
      `the contract refuses: ${error.data?.slice(0, 10)}`,
    )
  }
}
