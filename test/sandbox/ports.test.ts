import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../../src/sandbox/ports.ts'

const root = join(import.meta.dirname, '..', '..')
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** One after the other: side by side, each would find the others listening. */
async function draw(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  return ports
}

/** What another process was handed, which lives on. */
async function drawElsewhere(count: number): Promise<number[]> {
  const program = `
    import { freePort } from './src/sandbox/ports.ts'
    const ports = await Promise.all(Array.from({ length: ${count} }, () => freePort()))
    console.log(JSON.stringify(ports))
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return JSON.parse(line.toString()) as number[]
}

// Of 17,000 ports, so that by chance alone some would come twice.
test('no port is handed out twice, though nobody listens there yet', async () => {
  const ports = await draw(600)
  expect(new Set(ports).size).toBe(600)
})

test('no two processes are handed the same port', async () => {
  const theirs = await drawElsewhere(300)
  const ours = new Set(await draw(600))
  expect(theirs.filter((port) => ours.has(port))).toEqual([])
})

test('a port that was had before is had again, but not while somebody listens there', async () => {
  const port = await freePort()
  expect(await freePort(port)).toBe(port)
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  expect(await freePort(port)).not.toBe(port)
  server.close()
})
