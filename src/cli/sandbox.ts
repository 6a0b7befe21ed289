import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { FhirKind } from '../sandbox/fhir-kind.ts'
import { startSandbox } from '../sandbox/sandbox.ts'
import { createStory, playStory, type StepResult } from '../sandbox/story/story.ts'

type Options = {
  dir: string
  fresh?: boolean
  fhir: FhirKind
  tls?: boolean
  once?: boolean
  json?: string
  story: boolean
}

/** `wayleave sandbox`, which is `npm start`. */
export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('Run three hospitals, a chain and sample patients on this machine, and play the story')
    .option('--dir <folder>', 'where it keeps everything', '.wayleave')
    .option('--fresh', 'empty the folder first')
    .addOption(
      new Option(
        '--fhir <server>',
        'the hospitals’ FHIR servers: our own, or HAPI FHIR (needs Java 17 and Maven)',
      )
        .choices(['embedded', 'hapi'])
        .default('embedded'),
    )
    .option('--tls', 'brokers speak HTTPS, with certificates made here and pinned in the members’ profiles')
    .option('--once', 'play the story, stop, and exit 0 only if every step held')
    .option('--json <file>', 'write { ready_ms, steps: [{ name, ok, ms, detail }] }')
    .option('--no-story', 'only start')
    .action(runSandbox)
}

async function runSandbox(options: Options): Promise<void> {
  const tell = (line: string) => process.stdout.write(`${line}\n`)
  // The launcher notes when the command began, before it looked for Node and packages.
  const startedAt = Number(process.env.WAYLEAVE_STARTED ?? Date.now())
  let stopping = false
  let stop: (() => Promise<void>) | undefined
  const interrupted = new Promise<'interrupted'>((done) => {
    // Twice is no more than once: a terminal's Ctrl-C reaches the whole group, and the launcher passes it on.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (!stopping) tell('\nStopping …')
        stopping = true
        done('interrupted')
      })
    }
  })

  const work = async (): Promise<StepResult[] | 'interrupted'> => {
    const cli = join(import.meta.dirname, 'main.ts')
    const sandbox = await startSandbox({
      dir: options.dir,
      fresh: options.fresh ?? false,
      fhir: options.fhir,
      ...(options.tls ? { tls: true } : {}),
      startedAt,
      cli,
      tell,
    })
    stop = () => sandbox.stop()
    if (stopping) return 'interrupted'
    const steps = options.story ? await playStory(createStory(sandbox.file), tell) : []
    if (options.json)
      writeFileSync(options.json, `${JSON.stringify({ ready_ms: sandbox.readyMs, steps }, null, 2)}\n`)
    if (!options.once) {
      for (const { name, broker, fhir, console, invitations } of sandbox.file.hospitals) {
        tell(`${name}: broker ${broker}, FHIR ${fhir}`)
        const codes = Object.entries(invitations).map(([role, code]) => `${role} ${code}`)
        if (codes.length > 0) tell(`  console ${console}, invitations: ${codes.join(', ')}`)
      }
      tell(`The patients’ portal: ${sandbox.file.portal}`)
      tell(`Everything for programs: ${join(options.dir, 'sandbox.json')}. Ctrl-C stops all of it.`)
      await interrupted
    }
    return steps
  }

  const working = work()
  const outcome = await Promise.race([
    working,
    interrupted.then(() => working.catch(() => 'interrupted' as const)),
  ])
  await stop?.()
  const held = outcome !== 'interrupted' && outcome.every(({ ok }) => ok)
  // Ctrl-C is how a sandbox that stays up is meant to end; one that was to play once was broken off.
  if (stopping && options.once) process.exit(130)
  process.exit(held || (stopping && outcome === 'interrupted') ? 0 : 1)
}
