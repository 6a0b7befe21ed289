/**
 * Deploys the contracts, hands them to the council, and prints their addresses, with the first block that holds one, as
 * JSON.
 *
 *   RPC_URL=http://127.0.0.1:8545 KEY_FILE=deployer.key FOUNDATION_FILE=foundation.json \
 *     node bin/wayleave.mjs run scripts/deploy.ts
 *
 * `KEY_FILE` names a file that holds the deployer's private key, 0x and 64 hexadecimal digits. The key is read from a
 * file since the environment and arguments of a process can be seen by others. It is worth nothing afterwards.
 *
 * `FOUNDATION_FILE` names a file with a {@link Foundation}: seats, and where wanted threshold, delay and founding members.
 */
import { readFile } from 'node:fs/promises'
import { JsonRpcProvider, Wallet } from 'ethers'
import { deployContracts, type Foundation } from '../src/chain/deploy.ts'

const { RPC_URL: rpcUrl, KEY_FILE: keyFile, FOUNDATION_FILE: foundationFile } = process.env
if (!rpcUrl || !keyFile || !foundationFile) {
  process.stderr.write('deploy: set RPC_URL, KEY_FILE and FOUNDATION_FILE\n')
  process.exit(2)
}

const provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 })
try {
  const wallet = new Wallet((await readFile(keyFile, 'utf8')).trim(), provider)
  const deployment = await deployContracts(
    wallet,
    JSON.parse(await readFile(foundationFile, 'utf8')) as Foundation,
  )
  process.stdout.write(`${JSON.stringify(deployment, null, 2)}\n`)
} finally {
  provider.destroy()
}
