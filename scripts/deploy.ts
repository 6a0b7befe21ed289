/**
 * Deploys the contracts and prints their addresses, with the first block that holds one, as JSON.
 *
 *   RPC_URL=http://127.0.0.1:8545 KEY_FILE=council.key node bin/wayleave.mjs run scripts/deploy.ts
 *
 * `KEY_FILE` names a file that holds the council's private key, 0x and 64 hexadecimal digits. The key is read from a
 * file since the environment and arguments of a process can be seen by others.
 */
import { readFile } from 'node:fs/promises'
import { JsonRpcProvider, Wallet } from 'ethers'
import { deployContracts } from '../src/chain/deploy.ts'

const { RPC_URL: rpcUrl, KEY_FILE: keyFile } = process.env
if (!rpcUrl || !keyFile) {
  process.stderr.write('deploy: set RPC_URL and KEY_FILE\n')
  process.exit(2)
}

const provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 })
try {
  const wallet = new Wallet((await readFile(keyFile, 'utf8')).trim(), provider)
  const deployment = await deployContracts(wallet)
  process.stdout.write(`${JSON.stringify(deployment, null, 2)}\n`)
} finally {
  provider.destroy()
}
