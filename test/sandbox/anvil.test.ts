import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { JsonRpcProvider, Wallet } from 'ethers'
import { expect, test } from 'vitest'
import { SANDBOX_CHAIN_ID, startAnvil } from '../../src/sandbox/anvil.ts'
import { freePort } from '../../src/sandbox/ports.ts'

test('a chain whose port somebody else has, who answers nothing, does not keep us waiting', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  await expect(startAnvil({ port })).rejects.toThrow('anvil ended with 1')
  for (const socket of sockets) socket.destroy()
  silent.close()
})

test('a transaction that anvil holds back although its turn has come is mined all the same', async () => {
  const anvil = await startAnvil({ port: await freePort() })
  const provider = new JsonRpcProvider(anvil.rpc, SANDBOX_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 })
  try {
    const wallet = new Wallet(Wallet.createRandom().privateKey, provider)
    const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, gasLimit: 21_000n }
    // Filed as one of the future; then its turn comes, and anvil does not notice.
    const sent = await wallet.sendTransaction({ to: wallet.address, nonce: 1, ...free })
    await provider.send('anvil_setNonce', [wallet.address, '0x1'])
    expect(await provider.send('txpool_status', [])).toEqual({ pending: '0x0', queued: '0x1' })
    await expect.poll(() => provider.getTransactionReceipt(sent.hash), { timeout: 10_000 }).not.toBeNull()
    expect(await provider.send('txpool_status', [])).toEqual({ pending: '0x0', queued: '0x0' })
  } finally {
    provider.destroy()
    await anvil.stop()
  }
})
