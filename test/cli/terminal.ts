import type { Command } from 'commander'
import { expect } from 'vitest'
import type { Output } from '../../src/cli/patient/run.ts'
import { patientCommand } from '../../src/cli/patient.ts'
import type { SandboxFile } from '../../src/sandbox/sandbox-file.ts'
import type { World } from '../support/world.ts'

export type Outcome = { code: number; out: string; err: string }

/**
 * A terminal in which a subcommand is typed: it runs in this process, and no output may ever hold a secret.
 * @param secrets computed late, since tests make them
 * @param make `wayleave patient` unless given
 */
export function createTerminal(secrets: () => string[], make: (output: Output) => Command = patientCommand) {
  return async function run(...args: string[]): Promise<Outcome> {
    const outcome = { code: 0, out: '', err: '' }
    const output = {
      out: (line: string) => {
        outcome.out += line
      },
      err: (line: string) => {
        outcome.err += line
      },
    }
    const command = make(output).exitOverride()
    for (const sub of command.commands) {
      sub.exitOverride()
      for (const below of sub.commands) below.exitOverride()
    }
    const before = process.exitCode
    process.exitCode = 0
    try {
      await command.parseAsync(args, { from: 'user' })
      outcome.code = Number(process.exitCode)
    } catch (error) {
      outcome.code = (error as { exitCode?: number }).exitCode ?? 70
    } finally {
      process.exitCode = before
    }
    for (const secret of secrets()) expect(outcome.out + outcome.err).not.toContain(secret)
    return outcome
  }
}

/** The file by which the command finds the hospitals of a world. */
export function sandboxOf({ chain, hospitals, seats }: World): SandboxFile {
  return {
    chain,
    hospitals: hospitals.map(({ key, member, config, fhir, broker, files }) => ({
      key,
      name: config.name,
      member,
      identifier: config.identifier,
      fhir,
      broker: broker.base,
      callback: `http://127.0.0.1:${files.ports.callback}`,
      pid: process.pid,
      his: files.his,
      registrars: files.registrars,
      auditor: files.auditor,
      admin: files.admin,
      console: `http://localhost:${files.ports.broker}/console/`,
      invitations: {},
      log: files.logFile,
      fhirAccessLog: files.fhirAccessLog,
    })),
    council: { delay: 0, seats: [...seats], groups: ['gp'] },
    portal: 'http://localhost:1',
    patients: [],
  }
}
