/**
 * The lines of a stream of bytes, without those that are empty. One of more than `max` bytes comes as `too long`, and
 * is not kept in memory.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  max: number,
): AsyncGenerator<Uint8Array | 'too long'> {
  let parts: Uint8Array[] = []
  let length = 0
  const take = (): Uint8Array | 'too long' | undefined => {
    const line = length > max ? 'too long' : Buffer.concat(parts)
    parts = []
    length = 0
    return line === 'too long' || line.some((byte) => !BLANK.has(byte)) ? line : undefined
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      add(chunk.subarray(start, end))
      const line = take()
      if (line !== undefined) yield line
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  const last = take()
  if (last !== undefined) yield last

  function add(part: Uint8Array): void {
    length += part.length
    if (length > max) parts = []
    else parts.push(part)
  }
}

const LF = 0x0a
const BLANK: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d])
