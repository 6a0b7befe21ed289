/**
 * Parameters for fast-check that print the seed, so that any run can be had again: `SEED=… npx vitest run FILE`.
 */
export function seeded<P extends object>(parameters: P): P & { seed: number } {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.info(`seed ${seed}`)
  return { ...parameters, seed }
}
