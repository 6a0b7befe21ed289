import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export type Supervised = {
  pid(): number
  /** Times that it died and was started again. */
  restarts(): number
  stop(): Promise<void>
}

/** A process that dies is started again after this. Milliseconds. */
const RESTART_AFTER = 200

/** Keeps one process running until it is told to stop; its output goes to a log file. */
export function supervise(args: {
  command: string
  args: string[]
  env?: NodeJS.ProcessEnv
  logFile: string
  onStart?: (pid: number) => void
}): Supervised {
  let child: ChildProcess
  let stopping = false
  let restarts = 0
  let timer: NodeJS.Timeout | undefined

  function start(): void {
    const log = openSync(args.logFile, 'a', 0o600)
    // The channel tells the child when this process is gone, however it went.
    child = spawn(args.command, args.args, {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, ...args.env },
    })
    closeSync(log)
    if (child.pid) args.onStart?.(child.pid)
    child.once('exit', () => {
      if (stopping) return
      restarts++
      timer = setTimeout(start, RESTART_AFTER)
    })
  }
  start()

  return {
    pid: () => child.pid ?? 0,
    restarts: () => restarts,
    async stop() {
      stopping = true
      clearTimeout(timer)
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      const last = setTimeout(() => child.kill('SIGKILL'), 8_000)
      await gone
      clearTimeout(last)
    },
  }
}
