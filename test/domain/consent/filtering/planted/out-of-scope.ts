import { ACT_CODE, DENIED_CLASS, type Made, normal, TYPES, type World } from './world.ts'

/** The patient's, and not permitted. */
export function outOfScope(world: World): Made {
  const { draw, good, record, ours, scope } = world
  const label = (code: string) => ({ meta: { security: [{ system: ACT_CODE, code }] } })
  const kinds: (() => Made)[] = [
    () => record(DENIED_CLASS, ours()),
    () => record('MolecularSequence', ours()),
    () => good(undefined, label(draw.one(['HIV', 'PSY', 'ETHUD', 'OPIOIDUD', 'MST', 'BH', 'XYZ']))),
    () => good(undefined, { meta: { security: [...normal.security, { system: ACT_CODE, code: 'SDV' }] } }),
    () => good(undefined, { meta: { security: [{ system: 'urn:unknown', code: 'x' }] } }),
    () =>
      good('Observation', {
        meta: normal,
        code: { coding: [{ system: 'http://snomed.info/sct', code: '86406008' }] },
      }),
    () =>
      good('Observation', {
        meta: normal,
        note: [{ text: draw.one(['Schizophrenia', 'alcoholism', 'seen for rape', 'BRCA1']) }],
      }),
    () => good('Observation', { code: { coding: [{ system: 'urn:denied', code: 'denied' }] } }),
    () => good('Composition', { meta: undefined }),
    () => good('Observation', { text: { status: 'additional', div: `<div>${draw.canary()}</div>` } }),
    () => good('Observation', { valueAttachment: { contentType: 'text/plain', data: 'AAAA' } }),
  ]
  const outside = TYPES.filter((type) => scope && !scope.includes(type))
  if (outside.length > 0) kinds.push(() => record(draw.one(outside), ours()))
  return draw.one(kinds)()
}
