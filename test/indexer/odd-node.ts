import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RawLog } from '../../src/chain/node-rpc.ts'

export type Asked = { id: number; method: string; params: unknown[] }

/** What `eth_getLogs` is asked for; a single block by its hash. */
export type LogFilter = { fromBlock?: string; toBlock?: string; blockHash?: string }

/**
 * In front of a real node, one that is as nodes are: it refuses what is too much, is silent, leaves out. `oddity` answers in the
 * node's place, or gives undefined and lets the node answer.
 */
export type OddNode = {
  url: string
  /** Every call that came, in order. */
  asked: Asked[]
  oddity: ((asked: Asked, pass: () => Promise<unknown>) => Promise<unknown> | undefined) | undefined
  /** What `eth_getLogs` was asked for, in blocks. */
  spans(): number[]
  close(): Promise<void>
}

/** Thrown by an oddity: this JSON-RPC error, or this HTTP status, or no answer at all. */
export class OddAnswer extends Error {
  readonly answer: { error: { code: number; message: string } } | { status: number } | 'silence'
  constructor(answer: OddAnswer['answer']) {
    super('an odd answer')
    this.answer = answer
  }
}

export async function createOddNode(rpc: string): Promise<OddNode> {
  const silent = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const asked = JSON.parse(body) as Asked
      node.asked.push(asked)
      const answer = (value: object) =>
        response.end(JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...value }))
      const pass = async () => {
        const real = await fetch(rpc, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        })
        return ((await real.json()) as { result: unknown }).result
      }
      void (async () => {
        try {
          answer({ result: (await node.oddity?.(asked, pass)) ?? (await pass()) })
        } catch (error) {
          if (!(error instanceof OddAnswer)) response.destroy()
          else if (error.answer === 'silence') silent.add(response)
          else if ('error' in error.answer) answer(error.answer)
          else response.writeHead(error.answer.status).end('<html>no</html>')
        }
      })()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const node: OddNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    oddity: undefined,
    spans: () =>
      node.asked
        .filter(({ method }) => method === 'eth_getLogs')
        .map(({ params }) => spanOf(params[0] as LogFilter)),
    async close() {
      for (const response of silent) response.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return node
}

/** How many blocks a filter asks for. */
export const spanOf = ({ fromBlock, toBlock }: LogFilter): number =>
  fromBlock === undefined ? 1 : Number(toBlock) - Number(fromBlock) + 1

/** A node whose answers to `eth_getLogs` are changed. */
export const changedLogs =
  (change: (logs: RawLog[]) => RawLog[]): NonNullable<OddNode['oddity']> =>
  ({ method }, pass) =>
    method === 'eth_getLogs' ? pass().then((logs) => change(logs as RawLog[])) : undefined
