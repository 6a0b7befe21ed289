import type { Compilable, CompiledQuery, Kysely } from 'kysely'

/** Whatever a column takes. */
type Values = Readonly<Record<string, unknown>>

/**
 * A query that is built and compiled once, and then run with other values each time: to build one takes longer than many a
 * database takes to answer it. For the few that every release waits for.
 * @param names of the values that change; every one must stand in the query as it is given
 * @param build makes the query; whatever it does but pass the values on is done once
 */
export function prepared<DB, V extends Values, Row>(
  names: readonly (keyof V & string)[],
  build: (db: Kysely<DB>, values: V) => Compilable<Row>,
): (db: Kysely<DB>, values: V) => Promise<Row[]> {
  let known: { query: CompiledQuery<Row>; places: (string | undefined)[] } | undefined

  function compile(db: Kysely<DB>) {
    // Objects of their own, so that none can be a value that the query has anyway.
    const marks = Object.fromEntries(names.map((name) => [name, { name }]))
    const query = build(db, marks as unknown as V).compile()
    const places = query.parameters.map((value) => names.find((name) => marks[name] === value))
    const missing = names.filter((name) => !places.includes(name))
    if (missing.length > 0) throw new TypeError(`${missing.join(', ')} stand nowhere in the query`)
    return { query, places }
  }

  return async (db, values) => {
    known ??= compile(db)
    const { query, places } = known
    const parameters = query.parameters.map((value, i) => {
      const name = places[i]
      return name === undefined ? value : values[name]
    })
    return (await db.executeQuery<Row>({ ...query, parameters })).rows
  }
}
