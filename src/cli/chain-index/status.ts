import { loadBrokerConfig, type Readiness } from '../../broker/index.ts'
import type { Output } from './output.ts'

export type StatusOptions = { config?: string; broker?: string; json?: boolean }

type State = Pick<
  Readiness,
  'ready' | 'reasons' | 'head' | 'headAgeMs' | 'headNotices' | 'indexed' | 'building'
>

/**
 * How far the index of a running broker is, as its `/ready` says.
 * @returns the exit code: 0 where it follows the chain, 1 where it does not yet or not any more
 * @throws Error where no broker answers
 */
export async function indexStatus(options: StatusOptions, { out }: Pick<Output, 'out'>): Promise<number> {
  const base = options.broker?.replace(/\/$/, '') ?? listensAt(options.config)
  const state = await readyOf(base)
  const stopped = state.reasons.filter((reason) => INDEX_REASONS.includes(reason))
  const { head, headAgeMs, headNotices, indexed, building } = state
  out(
    options.json
      ? `${JSON.stringify({ head, headAgeMs, headNotices, indexed, building, reasons: stopped })}\n`
      : `${inWords(state).join('\n')}\n`,
  )
  return stopped.length === 0 ? 0 : 1
}

const INDEX_REASONS: readonly string[] = ['head-stale', 'chain-reorganised', 'node-behind', 'index-behind']

function listensAt(file: string | undefined): string {
  const { tls, host, port } = loadBrokerConfig({ file, env: process.env })
  return `${tls?.key ? 'https' : 'http'}://${host}:${port}`
}

async function readyOf(base: string): Promise<State> {
  let answer: Response
  try {
    answer = await fetch(`${base}/ready`)
  } catch (cause) {
    throw new Error(`No broker answers at ${base}; it must run to be asked`, { cause })
  }
  return (await answer.json()) as State
}

const many = (count: number) => count.toLocaleString('en-GB')

function inWords({ head, headAgeMs, headNotices, indexed, building, reasons }: State): string[] {
  const age = headAgeMs === null ? 'its age is not known' : `${(headAgeMs / 1_000).toFixed(1)} s old`
  const how = headNotices ? 'the node tells of new blocks' : 'the node is asked for new blocks'
  const lines = [
    head === null ? 'No block has been seen yet.' : `Head: block ${head}, ${age}; ${how}.`,
    indexed < 0 ? 'Nothing is indexed yet.' : `Indexed: up to block ${indexed}.`,
  ]
  if (building) {
    const { read, inAll, perSecond, secondsLeft } = building
    const share = inAll ? ` (${Math.floor((read / inAll) * 100)} %)` : ''
    const pace = perSecond === null ? '' : `, ${many(perSecond)} events a second`
    const left = secondsLeft === null ? '' : `, about ${many(secondsLeft)} s left`
    lines.push(
      `Being built: ${many(read)} of ${inAll === null ? '?' : many(inAll)} blocks${share}${pace}${left}.`,
    )
  }
  if (reasons.includes('chain-reorganised'))
    lines.push('The chain was reorganised deeper than it may be: nothing is released. See docs/operate.md.')
  if (reasons.includes('node-behind')) lines.push('The node is behind what is indexed: nothing is released.')
  return lines
}
