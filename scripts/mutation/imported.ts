/** The files of ours that these reach by relative imports, themselves included. */
export function imported(sources: Record<string, string>, from: readonly string[]): Record<string, string> {
  const reached = new Map<string, string>()
  const visit = (file: string) => {
    const source = sources[file]
    if (source === undefined || reached.has(file)) return
    reached.set(file, source)
    for (const [, path = ''] of source.matchAll(/from "(\.[^"]+)"/g)) {
      visit(new URL(path, `file:///${file}`).pathname.slice(1))
    }
  }
  for (const file of from) visit(file)
  return Object.fromEntries(reached)
}
