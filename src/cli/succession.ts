import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { isAddress, Wallet } from 'ethers'
import { readBrokerConfig } from '../broker/index.ts'
import { ConsentSuccessor__factory } from '../chain/contracts.ts'
import { createMigration, type Proof } from '../chain/migration.ts'
import { createSuccession } from '../chain/succession.ts'
import { loadKeyring } from '../store/keyring.ts'
import {
  inNetwork,
  type Network,
  type NetworkOptions,
  type SigningOptions,
  signerFor,
} from './council/network.ts'
import { type Output, writeJson } from './patient/run.ts'

const PROCESS: Output = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

const HELP = `
A consent registry is never changed: a successor is deployed, what the old one holds is adopted, both are proven equal, the
council announces the successor, and each member accepts it for itself. Nothing of this widens a consent.`

/** `wayleave succession`: replace the consent registry by a successor, member by member. */
export function successionCommand(output: Output = PROCESS): Command {
  const command = new Command('succession')
    .description('Replace the consent registry: deploy, migrate, prove, accept')
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .addHelpText('after', HELP)
  sending(command.command('deploy').description('Deploy a successor of the consent registry')).action(
    (options: SigningOptions) =>
      inNetwork(options, output, async (network) => {
        const deployed = await successionOf(network).deployConsentSuccessor(senderFor(network, options))
        if (options.json) writeJson(output, deployed)
        else output.out(`Deployed at ${deployed.successor}, code hash ${deployed.codeHash}.\n`)
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
      const migration = await migrationOf(network, successor)
      const told = (done: number, all: number) => output.err(`${done} of ${all} adopted\n`)
      tellProof(await migration.migrate(senderFor(network, options), told), options, output)
    }),
  )
  common(
    command
      .command('prove <successor>')
      .description('Compare predecessor and successor, slot by slot, at one block'),
  )
    .option('--block <n>', 'this block instead of the newest')
    .action((successor: string, options: NetworkOptions & { block?: string }) =>
      inNetwork(options, output, async (network) => {
        const block = options.block === undefined ? undefined : Number(options.block)
        tellProof(await (await migrationOf(network, successor)).prove(block), options, output)
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
      .command('accept <successor>')
      .description(
        'Accept, for the member whose configuration is given, an announced successor that is proven complete',
      ),
  ).action((successor: string, options: NetworkOptions) =>
    inNetwork(options, output, (network) => accept(network, successor, options, output)),
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

const senderFor = (network: Network, options: SigningOptions): Wallet =>
  options.keyFile === undefined
    ? new Wallet(Wallet.createRandom().privateKey, network.provider)
    : signerFor(network, options)

const successionOf = ({ provider, chain }: Network) => createSuccession({ provider, ...chain })

/** The predecessor is the one that the successor itself names. */
async function migrationOf({ provider, chain }: Network, successor: string) {
  if (!isAddress(successor)) throw new RangeError(`${String(successor)} is no address.`)
  const [predecessor] = await ConsentSuccessor__factory.connect(successor, provider)
    .predecessors()
    .catch(() => [])
  if (predecessor === undefined) throw new Error(`${successor} is no successor of a consent registry`)
  const { patientRegistry } = chain.contracts
  return createMigration({ provider, predecessor, successor, patientRegistry, deployedAt: chain.deployedAt })
}

async function accept(
  network: Network,
  successor: string,
  options: NetworkOptions,
  output: Output,
): Promise<void> {
  if (options.config === undefined) throw new Error('Which member accepts? Give --config.')
  const config = readBrokerConfig(JSON.parse(readFileSync(options.config, 'utf8')))
  const { consentRegistry } = network.chain.contracts
  const proof = await (await migrationOf(network, successor)).prove()
  if (!proof.complete)
    throw new Error('the successor lacks something that the predecessor holds: wayleave succession migrate')
  const succession = successionOf(network)
  const { operator } = await loadKeyring(config.keys)
  await succession.accept(new Wallet(operator), consentRegistry, successor)
  const change = {
    consentRegistry: successor,
    predecessors: [consentRegistry, ...(config.chain.predecessors ?? [])],
    codeHash: await succession.codeHashOf(successor),
  }
  if (options.json) return writeJson(output, { accepted: successor, proof, change })
  output.out(`${sentencesOf(proof)}Accepted. Now, in ${options.config}, under chain:
  contracts.consentRegistry   "${change.consentRegistry}"
  predecessors                ${JSON.stringify(change.predecessors)}
  codeHashes.consentRegistry  "${change.codeHash}"
and start the broker once with --reindex.
`)
}

function tellProof(proof: Proof, options: NetworkOptions, output: Output): void {
  if (options.json) writeJson(output, { proof })
  else output.out(sentencesOf(proof))
  if (!proof.complete) process.exitCode = 1
}

function sentencesOf({ block, slots, standing, referrals, digests, complete }: Proof): string {
  const same = digests.predecessor === digests.successor
  return `Block ${block}: ${slots} slots; ${standing.equal} equal, ${standing['moved on']} moved on at the successor, ${standing.missing} missing, ${standing.behind} behind. ${referrals.live} live referrals, ${referrals.missing} missing.
Digest of the predecessor  ${digests.predecessor}
Digest of the successor    ${digests.successor}
${complete ? (same ? 'The successor holds what the predecessor holds, and nothing else.' : 'The successor lacks nothing; acts at it have led on.') : 'The successor lacks something: wayleave succession migrate.'}
`
}
