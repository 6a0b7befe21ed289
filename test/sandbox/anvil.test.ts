import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startAnvil } from '../../src/sandbox/anvil.ts'

test('a chain whose port somebody else has, who answers nothing, does not keep us waiting', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  await expect(startAnvil({ port })).rejects.toThrow('anvil ended with 1')
  for (const socket of sockets) socket.destroy()
  silent.close()
})
