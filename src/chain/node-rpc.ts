import { Agent, errors, request } from 'undici'

/** A log as `eth_getLogs` answers it (Ethereum JSON-RPC): numbers and bytes as 0x-hex. */
export type RawLog = {
  address: string
  topics: string[]
  data: string
  blockNumber: string
  blockHash: string
  transactionHash: string
  logIndex: string
  removed?: boolean
}

/** Of a block, as `eth_getBlockByNumber` answers it. */
export type RawBlock = {
  number: string
  hash: string
  parentHash: string
  timestamp: string
  logsBloom: string
}

/**
 * How a call of the node failed: `refused` it by a JSON-RPC error; it would have been `too-large`; `silent`, no answer in
 * time; `busy`, asked to come back later; `unreachable`, or no JSON-RPC at all.
 */
export type NodeFault = 'refused' | 'too-large' | 'silent' | 'busy' | 'unreachable'

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly fault: NodeFault
  /** The JSON-RPC error code of a refusal. */
  readonly rpcCode: number | undefined
  constructor(fault: NodeFault, message: string, rpcCode?: number, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
    this.rpcCode = rpcCode
  }
}

/** The member's own node, asked without a library in between: answers are parsed once and handed on as they are. */
export type NodeRpc = {
  /** @throws NodeError */
  call<T>(method: string, params: readonly unknown[]): Promise<T>
  close(): Promise<void>
}

/** An answer may take so long, and be so large. Milliseconds and bytes. */
const WITHIN = 30_000
const MAX_BYTES = 128 * 1024 * 1024

/** Codes that say "not now": rate limits of nodes and of proxies before them. */
const BUSY_STATUS: readonly number[] = [429, 503]
/** And that say "not so much": too large, or taken too long behind a proxy. */
const LARGE_STATUS: readonly number[] = [413, 502, 504]

export function createNodeRpc({
  url,
  withinMs = WITHIN,
  maxBytes = MAX_BYTES,
}: {
  url: string
  withinMs?: number
  maxBytes?: number
}): NodeRpc {
  const dispatcher = new Agent({ maxResponseSize: maxBytes, connections: 8 })
  let ids = 0

  async function call<T>(method: string, params: readonly unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++ids, method, params })
    const { status, text } = await ask(body)
    let answer: { result?: T; error?: { code?: unknown; message?: unknown } }
    try {
      answer = JSON.parse(text)
    } catch {
      throw new NodeError(faultOf(status), `${method} was answered by status ${status} and no JSON`)
    }
    if (answer?.error) {
      const { code, message } = answer.error
      const fault = BUSY_STATUS.includes(status) ? 'busy' : 'refused'
      throw new NodeError(
        fault,
        typeof message === 'string' ? message : '',
        typeof code === 'number' ? code : undefined,
      )
    }
    if (answer?.result === undefined)
      throw new NodeError(faultOf(status), `${method} was answered by status ${status} and no result`)
    return answer.result
  }

  async function ask(body: string): Promise<{ status: number; text: string }> {
    try {
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        dispatcher,
        signal: AbortSignal.timeout(withinMs),
      })
      return { status: statusCode, text: await answer.text() }
    } catch (error) {
      if (error instanceof errors.ResponseExceededMaxSizeError)
        throw new NodeError('too-large', 'the answer is too large', undefined, { cause: error })
      const late =
        error instanceof Error && /^(?:TimeoutError|HeadersTimeoutError|BodyTimeoutError)$/.test(error.name)
      throw new NodeError(
        late ? 'silent' : 'unreachable',
        late ? 'the node did not answer in time' : 'the node cannot be reached',
        undefined,
        { cause: error },
      )
    }
  }

  return { call, close: () => dispatcher.destroy() }
}

function faultOf(status: number): NodeFault {
  if (BUSY_STATUS.includes(status)) return 'busy'
  return LARGE_STATUS.includes(status) ? 'too-large' : 'unreachable'
}
