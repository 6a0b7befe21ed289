import { Command } from 'commander'
import { isAddress, Wallet } from 'ethers'
import { loadBrokerConfig } from '../broker/index.ts'
import type { Contracts } from '../chain/contracts.ts'
import {
  createMigration,
  type Part,
  type Proof,
  REPLACEABLE,
  type Replaceable,
} from '../chain/migration/index.ts'
import { createSuccession } from '../chain/succession.ts'
import { loadKeyring } from '../store/key-file.ts'
import {
  inNetwork,
  type Network,
  type NetworkOptions,
  type SigningOptions,
  signerFor,
} from './council/network.ts'
import { type Output, writeJson } from './patient/run.ts'
import { unlockOf } from './unlock.ts'

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

const HELP = `
A contract is never changed: a successor is deployed, what the old one holds is adopted, both are proven equal, the council
announces the successor, and each member accepts it for itself. Nothing of this widens a consent.
CONTRACT is its name in a configuration: ${REPLACEABLE.join(', ')}.`

/** `wayleave succession`: replace a contract by a successor, member by member. */
export function successionCommand(output: Output = PROCESS): Command {
  const command = new Command('succession')
    .description('Replace a contract: deploy, migrate, prove, accept')
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText('after', HELP)
  sending(
    command
      .command('deploy [contract]')
      .description(
        'Deploy a successor of a contract, consentRegistry unless said, and of what names that one',
      ),
  ).action((contract: string | undefined, options: SigningOptions) =>
    inNetwork(options, output, async (network) => {
      const name = nameOf(contract ?? 'consentRegistry')
      const deployed = await successionOf(network).deploySuccessor(senderFor(network, options), name)
      if (options.json) return writeJson(output, { deployed })
      for (const { contract, successor, codeHash } of deployed)
        output.out(`${contract} deployed at ${successor}, code hash ${codeHash}.\n`)
    }),
  )
  sending(
    command
      .command('migrate <successor>')
      .description(
        'Adopt at the successor what the predecessor holds, then prove it; goes on where it was broken off',
      ),
  ).action((successor: string, options: SigningOptions) =>
    inNetwork(options, output, async (network) => {
      const { migration } = await migrationOf(network, successor)
      const told = (done: number, all: number) => output.err(`${done} of ${all} adopted\n`)
      tellProof(await migration.migrate(senderFor(network, options), told), options, output)
    }),
  )
  common(
    command
      .command('prove <successor>')
      .description('Compare predecessor and successor, thing by thing, at one block'),
  )
    .option('--block <n>', 'this block instead of the newest')
    .action((successor: string, options: NetworkOptions & { block?: string }) =>
      inNetwork(options, output, async (network) => {
        const block = options.block === undefined ? undefined : Number(options.block)
        const { migration } = await migrationOf(network, successor)
        tellProof(await migration.prove(block), options, output)
      }),
    )
  common(command.command('status').description('Show what is announced, and who has accepted it')).action(
    (options: NetworkOptions) =>
      inNetwork(options, output, async (network) => {
        const announced = await successionOf(network).announcements()
        if (options.json) return writeJson(output, { announced })
        for (const { predecessor, successor, codeHash, acceptedBy, waitingFor } of announced) {
          const names = (ids: readonly string[]) => ids.map(network.nameOf).join(', ') || 'nobody'
          output.out(
            `${network.nameOf(predecessor)}: ${successor}, code hash ${codeHash}. Accepted by ${names(acceptedBy)}; not yet by ${names(waitingFor)}.\n`,
          )
        }
        if (announced.length === 0) output.out('No successor is announced.\n')
      }),
  )
  common(
    command
      .command('accept <successors...>')
      .description(
        'Accept, for the member whose configuration is given, announced successors that are proven complete',
      ),
  ).action((successors: string[], options: NetworkOptions) =>
    inNetwork(options, output, (network) => accept(network, successors, options, output)),
  )
  return command
}

const common = (command: Command) =>
  command
    .option('--sandbox <file>', 'description of the running sandbox', '.wayleave/sandbox.json')
    .option('--config <file>', 'a broker’s configuration, instead of a sandbox')
    .option('--rpc <url>', 'another node than the one named there')
    .option('--json', 'write JSON instead of sentences')

const sending = (command: Command) =>
  common(command).option(
    '--key-file <file>',
    'key of the account that sends (default: a new one, gas being free)',
  )

function nameOf(contract: string): Replaceable {
  const name = REPLACEABLE.find((one) => one === contract)
  if (name) return name
  throw new RangeError(`There is no contract ${contract} to replace: ${REPLACEABLE.join(', ')}.`)
}

const senderFor = (network: Network, options: SigningOptions): Wallet =>
  options.keyFile === undefined
    ? new Wallet(Wallet.createRandom().privateKey, network.provider)
    : signerFor(network, options)

const successionOf = ({ provider, chain }: Network) => createSuccession({ provider, ...chain })

/** Contract and predecessor are those that the successor itself names. */
async function migrationOf(network: Network, successor: string) {
  if (!isAddress(successor)) throw new RangeError(`${String(successor)} is no address.`)
  const line = await successionOf(network).lineOf(successor)
  const { provider, chain } = network
  const { patientRegistry } = chain.contracts
  const migration = createMigration({
    provider,
    ...line,
    successor,
    patientRegistry,
    deployedAt: chain.deployedAt,
  })
  return { ...line, migration }
}

/** What a configuration holds of the contract afterwards. */
type Change = { contract: keyof Contracts; address: string; predecessors: string[]; codeHash: string }

async function accept(
  network: Network,
  successors: readonly string[],
  options: NetworkOptions,
  output: Output,
): Promise<void> {
  if (options.config === undefined) throw new Error('Which member accepts? Give --config.')
  const config = loadBrokerConfig({ file: options.config, env: process.env })
  const succession = successionOf(network)
  const lines = await Promise.all(successors.map((successor) => migrationOf(network, successor)))
  const proofs = await Promise.all(lines.map(({ migration }) => migration.prove()))
  for (const { complete, contract } of proofs)
    if (!complete)
      throw new Error(
        `${contract}: the successor lacks something that the predecessor holds: wayleave succession migrate`,
      )
  const { operator } = await loadKeyring(config.keys, unlockOf(config))
  const changes: Change[] = []
  for (const [i, { contract, predecessors }] of lines.entries()) {
    const address = successors[i] ?? ''
    await succession.accept(new Wallet(operator), network.chain.contracts[contract], address)
    changes.push({ contract, address, predecessors, codeHash: await succession.codeHashOf(address) })
  }
  if (options.json) return writeJson(output, { accepted: successors, proofs, changes })
  output.out(`${proofs.map(sentencesOf).join('')}Accepted. Now, in ${options.config}, under chain:
${changes.map(changeInWords).join('')}and start the broker once with --reindex.
`)
}

const changeInWords = ({
  contract,
  address,
  predecessors,
  codeHash,
}: Change) => `  contracts.${contract}     "${address}"
  predecessors.${contract}  ${JSON.stringify(predecessors)}
  codeHashes.${contract}    "${codeHash}"
`

function tellProof(proof: Proof, options: NetworkOptions, output: Output): void {
  if (options.json) writeJson(output, { proof })
  else output.out(sentencesOf(proof))
  if (!proof.complete) process.exitCode = 1
}

function sentencesOf({ contract, block, parts, complete }: Proof): string {
  const same = parts.every(({ digests }) => digests.predecessor === digests.successor)
  const lasting = same
    ? 'The successor holds what the predecessor holds, and nothing else.'
    : 'The successor lacks nothing; acts have led on from there.'
  return `${contract} at block ${block}:
${parts.map(partInWords).join('')}${complete ? lasting : 'The successor lacks something: wayleave succession migrate.'}
`
}

function partInWords({ of, items, standing, digests }: Part): string {
  const { equal, missing, behind, differs } = standing
  const differing = differs > 0 ? `, ${differs} said otherwise at the predecessor` : ''
  return `${items} ${of}; ${equal} equal, ${standing['moved on']} moved on at the successor, ${missing} missing, ${behind} behind${differing}.
  Digest of the predecessor  ${digests.predecessor}
  Digest of the successor    ${digests.successor}
`
}
