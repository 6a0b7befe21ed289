import { WebSocket } from 'undici'

/**
 * Notices of new heads over WebSocket (`eth_subscribe` of `newHeads`, as geth, Besu, Reth and anvil have it). A notice only says
 * that it is time to look: what the head is, is read where everything else is read.
 */
export type HeadNotices = {
  /** Whether the node has confirmed the subscription and the connection stands. */
  live(): boolean
  /** Gives the connection up for dead and makes a new one: the node had a new head and did not say so. */
  reconnect(): void
  close(): void
}

/** Until a new attempt, doubled with each that fails in a row, up to the longest. Milliseconds. */
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 30_000

/** A connection that has not confirmed by then is none. Milliseconds. */
const CONFIRMED_WITHIN = 10_000

/** More than a header. Characters. */
const LONGEST_NOTICE = 64 * 1024

/** @param onChange told when the subscription begins to stand, and when it stands no longer */
export function subscribeHeads(args: {
  url: string
  onNotice: () => void
  onChange: (live: boolean) => void
}): HeadNotices {
  const { url, onNotice, onChange } = args
  let socket: WebSocket | undefined
  let subscription: string | undefined
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let closed = false

  function connect(): void {
    const opened = new WebSocket(url)
    socket = opened
    // Whatever comes of a socket that was given up is no longer heard.
    const mine = () => socket === opened
    timer = setTimeout(() => mine() && lose(), CONFIRMED_WITHIN)
    opened.addEventListener('open', () => {
      opened.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }))
    })
    opened.addEventListener('message', ({ data }) => {
      if (!mine()) return
      const told = readMessage(data)
      if (told?.id === 1 && typeof told.result === 'string') {
        clearTimeout(timer)
        subscription = told.result
        failures = 0
        onChange(true)
        // What came before it stood was not told.
        onNotice()
      } else if (told?.id === 1) lose()
      else if (subscription !== undefined && told?.params?.subscription === subscription) onNotice()
    })
    opened.addEventListener('close', () => mine() && lose())
    opened.addEventListener('error', () => mine() && lose())
  }

  function lose(): void {
    clearTimeout(timer)
    const before = socket
    const stood = subscription !== undefined
    socket = undefined
    subscription = undefined
    before?.close()
    if (stood && !closed) onChange(false)
    if (closed) return
    timer = setTimeout(connect, Math.min(FIRST_PAUSE * 2 ** failures++, LONGEST_PAUSE))
  }

  connect()
  return {
    live: () => subscription !== undefined,
    reconnect: lose,
    close() {
      closed = true
      lose()
    },
  }
}

type Message = { id?: unknown; result?: unknown; params?: { subscription?: unknown } }

function readMessage(data: unknown): Message | undefined {
  if (typeof data !== 'string' || data.length > LONGEST_NOTICE) return undefined
  try {
    const message: unknown = JSON.parse(data)
    return typeof message === 'object' && message !== null ? message : undefined
  } catch {
    return undefined
  }
}
