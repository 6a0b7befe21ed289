import { createServer } from 'node:net'

/** A port of 127.0.0.1 that is free now: the wanted one where possible. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await tryPort(wanted)) === wanted) return wanted
  const port = await tryPort(0)
  if (port === undefined) throw new Error('No port of 127.0.0.1 is free')
  return port
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' ? address?.port : undefined))
    })
  })
}
