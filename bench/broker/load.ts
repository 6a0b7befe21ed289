import { readFileSync } from 'node:fs'

/** What one way of reading cost: milliseconds, reads a second, CPU milliseconds a read of each process. */
export type Load = {
  reads: number
  p50: number
  p99: number
  perSecond: number
  /** By the name of the process; `client` is the one that reads. */
  cpu: Readonly<Record<string, number>>
}

export type Read = (index: number) => Promise<void>

const TICK_MS = 10

/** CPU milliseconds that a process has used, user and system, all of its threads (proc(5), fields 14 and 15). */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Of numbers in ascending order. */
export const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0

async function measured(
  processes: Readonly<Record<string, number>>,
  work: (times: number[]) => Promise<void>,
): Promise<Load> {
  const times: number[] = []
  const all: Record<string, number> = { ...processes, client: process.pid }
  const before = Object.entries(all).map(([name, pid]) => [name, cpuOf(pid)] as const)
  const started = performance.now()
  await work(times)
  const seconds = (performance.now() - started) / 1000
  const cpu = Object.fromEntries(
    before.map(([name, was]) => [name, (cpuOf(all[name] ?? process.pid) - was) / times.length]),
  )
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { reads: times.length, p50: median(times), p99: at(0.99), perSecond: times.length / seconds, cpu }
}

async function timed(read: Read, index: number, times: number[]): Promise<void> {
  const started = performance.now()
  await read(index)
  times.push(performance.now() - started)
}

/** Begins a read at every tick of a fixed rate, whether or not the last one has ended, so that waiting counts. */
export function atRate(
  read: Read,
  processes: Readonly<Record<string, number>>,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Load> {
  return measured(processes, async (times) => {
    const total = perSecond * seconds
    const started = performance.now()
    const running: Promise<void>[] = []
    for (let i = 0; i < total; i++) {
      const due = started + (i * 1000) / perSecond
      const wait = due - performance.now()
      if (wait > 1) await new Promise((done) => setTimeout(done, wait))
      // Counted from when it was due: a client that is late itself must not hide what its user waits.
      running.push(read(i).then(() => void times.push(performance.now() - due)))
    }
    await Promise.all(running)
  })
}

/** So many clients, each reading again as soon as it has its answer. */
export function saturated(
  read: Read,
  processes: Readonly<Record<string, number>>,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<Load> {
  return measured(processes, async (times) => {
    const until = performance.now() + seconds * 1000
    let next = 0
    const client = async () => {
      while (performance.now() < until) await timed(read, next++, times)
    }
    await Promise.all(Array.from({ length: clients }, client))
  })
}
