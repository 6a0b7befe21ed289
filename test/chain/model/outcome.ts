/** A custom error: what a call of the model ends in instead of an outcome. */
export class Refused extends Error {
  readonly args: readonly unknown[]
  constructor(name: string, args: readonly unknown[]) {
    super(name)
    this.args = args
  }
}

export function refuse(name: string, ...args: unknown[]): never {
  throw new Refused(name, args)
}

/** An event by its name and arguments, in the order of its declaration. */
export type Event = readonly [name: string, ...args: unknown[]]

/** The value of a key in a map of maps, made where there is none. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
