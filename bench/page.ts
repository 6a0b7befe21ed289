import type { CodeSettings } from '../scripts/solidity.ts'
import type { BatchGas } from './batches.ts'
import type { EasGas } from './eas.ts'
import type { Passkeys, WayleaveGas } from './wayleave.ts'

/** All figures of one run. */
export type Measured = { ours: WayleaveGas; passkeys: Passkeys; batches: BatchGas; eas: EasGas }

/** One operation: what it costs, what it should cost at most, what EAS's nearest operation costs. */
type Row = {
  operation: string
  gas: number
  target?: number
  eas?: [name: string, gas: number]
  /** Why a target is missed. */
  why?: string
}

/** The member behind `msg.sender` is looked up in another contract, which the prototypes did not do. */
const LOOKUP =
  'looks the sender up in `MemberRegistry`: one cold contract (2,600) and cold slots (2,100 each) for account, status and role'

function rowsOf({ ours, passkeys, batches, eas }: Measured): Row[] {
  const delegated: [string, number] = ['attestByDelegation', eas.attestByDelegation]
  const revoked: [string, number] = ['revokeByDelegation', eas.revokeByDelegation]
  return [
    {
      operation: 'Grant by wallet signature, first in its slot',
      gas: ours.grantFirst,
      target: 70_000,
      eas: delegated,
    },
    { operation: 'Grant by wallet signature, again', gas: ours.grantAgain, target: 53_000, eas: delegated },
    { operation: 'Revoke by signature', gas: ours.revoke, target: 45_000, eas: revoked },
    {
      operation: 'Grant by passkey with precompile, first in its slot',
      gas: passkeys.precompile.first,
      target: 92_000,
      eas: delegated,
    },
    {
      operation: 'Grant by passkey with precompile, again',
      gas: passkeys.precompile.again,
      target: 75_000,
      eas: delegated,
    },
    {
      operation: 'Grant by passkey without precompile, first in its slot',
      gas: passkeys.without.first,
      target: 320_000,
      eas: delegated,
    },
    {
      operation: 'Grant, each of 100',
      gas: batches.grant,
      target: 42_000,
      eas: ['multiAttestByDelegation, each of 50', eas.attestByDelegationOf50],
      why: 'each item is called apart, so that one that is refused is skipped and the others stand; and dates and flags are hashed as the words that were signed (1,400)',
    },
    {
      operation: 'Revoke signed singly, each of 100',
      gas: batches.revoke,
      target: 17_000,
      why: 'each item is called apart, so that one that is refused is skipped; and asks `PatientRegistry` for the rights of its signer, who may be a delegate',
    },
    {
      operation: 'Revoke under one signature, each of 100',
      gas: batches.revokeTogether,
      target: 7_500,
      why: "a cold slot is read and written (5,000) and an event with handle, scope, word and signer's hash emitted (2,400); hashing the item and its calldata are the rest",
    },
    { operation: 'Revoke what is past', gas: ours.revokeUnchanged },
    { operation: 'Object', gas: ours.object, eas: delegated },
    { operation: 'Withdraw an objection', gas: ours.withdraw, eas: revoked },
    { operation: 'Bind a handle', gas: ours.bind },
    { operation: 'Lock', gas: ours.lock },
    { operation: 'Unlock', gas: ours.unlock },
    {
      operation: 'Register a pointer of 160 B',
      gas: ours.pointer,
      target: 54_000,
      eas: ['attest, 64 B', eas.attest],
      why: LOOKUP,
    },
    {
      operation: 'Pointer, each of 100',
      gas: ours.pointerOf100,
      target: 32_000,
      eas: ['multiAttestByDelegation, each of 50', eas.attestByDelegationOf50],
    },
    {
      operation: "Access window, a member's first",
      gas: ours.windowFirst,
      eas: ['timestamp', eas.timestamp],
    },
    {
      operation: 'Access window',
      gas: ours.window,
      target: 50_000,
      eas: ['timestamp', eas.timestamp],
      why: `${LOOKUP}; and writes number and end of the last window (5,000), so that no gap or overlap can be anchored`,
    },
  ]
}

const number = (gas: number) => gas.toLocaleString('en-GB')

/** The page as committed: operations, targets, EAS, and every miss with its reason. */
export function gasPage(measured: Measured, settings: CodeSettings): string {
  const rows = rowsOf(measured)
  const missed = (row: Row) => row.target !== undefined && row.gas > row.target
  const table = rows.map((row) => {
    const beside = row.eas ? `${number(row.eas[1])} (${row.eas[0]})` : '–'
    const cells = [
      row.operation,
      number(row.gas),
      row.target === undefined ? '–' : number(row.target),
      row.target === undefined ? '–' : missed(row) ? 'missed' : 'met',
      beside,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const misses = rows
    .filter(missed)
    .map(({ operation, why }) => `- **${operation}**: ${why ?? 'not explained yet'}.`)
  const { evmVersion, optimizer } = settings
  return `# What each operation costs

Gas of whole transactions, base cost and calldata included, on anvil. Written by \`npm run bench:gas\`; keys, time and
data are fixed, so the figures are the same on every machine. Compiled for \`${evmVersion}\`, optimizer runs ${optimizer.runs}.
EAS is version 1.9 with its own solc 0.8.29 and OpenZeppelin 5.3 at the same settings, attesting 64 bytes; its nearest
operation stands beside ours.

| Operation | Gas | Aim at most | | EAS 1.9 |
| --- | --: | --: | --- | --: |
${table.join('\n')}
${misses.length > 0 ? `\n## Missed, and why\n\n${misses.join('\n')}\n` : ''}`
}
