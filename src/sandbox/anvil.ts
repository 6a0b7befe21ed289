import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { watchQueue } from './unqueue.ts'

export type Anvil = { rpc: string; pid: number; stop(): Promise<void> }

export const SANDBOX_CHAIN_ID = 78_230

/** One answer, while it starts. Milliseconds. */
const ANSWER_WITHIN = 2_000

/** The platform's own binary: what is started through npx outlives npx's death. */
function anvilBinary(): string {
  const platform = process.platform === 'win32' ? 'win32' : process.platform
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const require = createRequire(import.meta.url)
  const manifest = require.resolve(`@foundry-rs/anvil-${platform}-${arch}/package.json`)
  return join(manifest, '..', 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil')
}

/**
 * Starts the embedded chain: a block every 2 s and at once for a transaction, free gas, its state on disk every 2 s. A
 * chain left over from a sandbox that was killed is ended first: two must never write one state.
 */
export async function startAnvil(args: {
  port: number
  dir?: string
  chainId?: number
  blockTime?: number
  /** The EVM's rules; anvil's newest unless given. */
  hardfork?: string
  /** More of anvil's own flags. */
  flags?: readonly string[]
}): Promise<Anvil> {
  const pidFile = args.dir && join(args.dir, 'anvil.pid')
  if (pidFile) await endLeftOver(pidFile)
  const flags = [
    ['--host', '127.0.0.1'],
    ['--port', String(args.port)],
    ['--chain-id', String(args.chainId ?? SANDBOX_CHAIN_ID)],
    ['--block-time', String(args.blockTime ?? 2), '--mixed-mining'],
    ['--base-fee', '0', '--gas-price', '0', '--disable-min-priority-fee'],
    ['--accounts', '1', '--quiet'],
    args.hardfork ? ['--hardfork', args.hardfork] : [],
    args.flags ?? [],
    args.dir ? ['--state', join(args.dir, 'state.json'), '--state-interval', '2'] : [],
  ].flat()
  // A group of its own, so that Ctrl-C reaches it only after the brokers have closed.
  const child = spawn(anvilBinary(), flags, { stdio: 'ignore', detached: true })
  if (pidFile && child.pid) writeFileSync(pidFile, String(child.pid))
  const rpc = `http://127.0.0.1:${args.port}`
  await answering(rpc, child)
  const endWatch = watchQueue(rpc)
  return {
    rpc,
    pid: child.pid ?? 0,
    async stop() {
      endWatch()
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await ended(child, 10_000)
      }
      if (pidFile) rmSync(pidFile, { force: true })
    },
  }
}

/** @throws Error when it ends, or somebody else has its port and says nothing. */
async function answering(rpc: string, child: ChildProcess): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  const headers = { 'content-type': 'application/json' }
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`anvil ended with ${child.exitCode}`)
    const signal = AbortSignal.timeout(ANSWER_WITHIN)
    const answer = await fetch(rpc, { method: 'POST', headers, body, signal }).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((done) => setTimeout(done, 50))
  }
  child.kill('SIGKILL')
  throw new Error('anvil does not answer')
}

async function ended(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((done) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
    child.once('exit', () => {
      clearTimeout(timer)
      done()
    })
  })
}

async function endLeftOver(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8'))
  const isAnvil = () => {
    try {
      process.kill(pid, 0)
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('anvil')
    } catch {
      return false
    }
  }
  if (Number.isInteger(pid) && isAnvil()) {
    process.kill(pid, 'SIGTERM')
    for (let i = 0; i < 100 && isAnvil(); i++) await new Promise((done) => setTimeout(done, 50))
  }
  rmSync(pidFile, { force: true })
}
