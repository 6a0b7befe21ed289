import type { Kysely } from 'kysely'
import type { AuditEntry } from '../../domain/audit/audit-entry.ts'
import { percentile } from '../../domain/reports/percentile.ts'
import type { PatientStore } from '../../store/patients.ts'
import type { BrokerTables } from '../../store/schema.ts'
import type { Vault } from '../../store/vault.ts'
import { beyond, type Made, type Making } from './about.ts'
import { type NarrowingAct, narrowingActs } from './narrowing-acts.ts'
import { oneByOne } from './organisations.ts'
import { code, count, instant, length, more, text } from './words.ts'

/** Reasons that show that an act counts. */
const SHOWS: Readonly<Record<NarrowingAct['act'], readonly string[]>> = {
  Revocation: ['revoked', 'revocation-pending'],
  Objection: ['objection', 'objection-pending'],
  Lock: ['locked', 'lock-pending'],
}

const IN_WORDS: Readonly<Record<NarrowingAct['act'], string>> = {
  Revocation: 'revocation',
  Objection: 'objection',
  Lock: 'lock',
}

const MEASURES = [
  ['toKnown', 'from signed to known'],
  ['toBlock', 'from known to mined'],
  ['toRefusal', 'from known to the first refusal'],
] as const

/** What became of an act. */
type Course = NarrowingAct & {
  firstRefusal: string | null
  /** Records that were handed out under what it ended, after it was known and before the patient allowed it anew. */
  after: number
  ended: boolean
}

/**
 * How soon what patients took away was refused: from when this custodian had the act, from which on it counts (I5), to the block
 * that holds it and to the first read that was refused for it. And whether anything went out meanwhile: it must not.
 */
export async function revocations(
  making: Making,
  deps: { db: Kysely<BrokerTables>; vault: Vault; patients: PatientStore },
): Promise<Made> {
  const { trail, period } = making
  const acts = await narrowingActs({ ...deps, trail }, period)
  const courses = acts.map((act): Course => ({ ...act, firstRefusal: null, after: 0, ended: false }))
  for (const [lookup, own] of Map.groupBy(courses, (course) => course.lookup))
    await follow(making, lookup, own)

  const measured = courses.map((course) => ({
    ...course,
    toKnown: course.signed ? between(course.signed, course.known) : null,
    toBlock: course.digest && course.mined ? between(course.known, course.mined) : null,
    toRefusal: course.firstRefusal ? between(course.known, course.firstRefusal) : null,
  }))
  const figures = (name: string, of: typeof measured) =>
    MEASURES.map(([key, measure]) =>
      figure(
        name,
        measure,
        of.map((one) => one[key]),
      ),
    )
  return {
    answers: [
      '“Known”: this custodian had stored the signed act and acknowledged it; from then on it counts, whatever the chain shows. GDPR art. 7(3).',
    ],
    summary: [
      {
        name: 'latency',
        title: 'How soon',
        columns: [
          text('act', 'Act'),
          text('measure', 'Measure'),
          count('acts', 'Acts measured'),
          length('median', 'Median'),
          length('p99', '99 of 100 within'),
          length('most', 'Longest'),
        ],
        rows: [
          ...figures('all', measured),
          ...(['Revocation', 'Objection', 'Lock'] as const).flatMap((act) =>
            figures(
              IN_WORDS[act],
              measured.filter((one) => one.act === act),
            ),
          ),
        ].filter(({ acts, act }) => act === 'all' || acts > 0),
      },
      {
        name: 'counts',
        title: 'Acts, and what went out after them',
        columns: [
          text('act', 'Act'),
          count('acts', 'Acts'),
          count('after', 'Records handed out after it was known'),
        ],
        rows: (['Revocation', 'Objection', 'Lock'] as const).map((act) => {
          const of = measured.filter((one) => one.act === act)
          return { act: IN_WORDS[act], acts: of.length, after: of.reduce((sum, one) => sum + one.after, 0) }
        }),
        bars: 'acts',
      },
    ],
    columns: [
      more(instant('signed', 'Signed')),
      instant('known', 'Known'),
      text('act', 'Act'),
      text('came', 'Came'),
      instant('mined', 'In a block'),
      length('toKnown', 'Signed to known'),
      length('toBlock', 'Known to block'),
      instant('firstRefusal', 'First refusal'),
      length('toRefusal', 'Known to refusal'),
      count('after', 'Handed out after'),
      code('consent', 'Consent'),
      code('digest', 'Digest of the act'),
    ],
    rows: oneByOne(
      measured.map(
        ({
          signed,
          toKnown,
          known,
          act,
          digest,
          mined,
          toBlock,
          firstRefusal,
          toRefusal,
          after,
          policy,
        }) => ({
          ...{
            signed,
            toKnown,
            known,
            act: IN_WORDS[act],
            came: digest ? 'to this hospital' : 'by the chain alone',
          },
          ...{ mined, toBlock, firstRefusal, toRefusal, after, consent: policy, digest },
        }),
      ),
    ),
    omitted: [
      {
        what: 'Proof of when each act was signed',
        why: '“Signed” is what the patient’s device says; what is signed has no time in it, and a device’s clock may be wrong. Where it says nothing, or is ahead, there is none. “Known” is what the patient’s receipt says, too.',
        count: measured.filter(({ signed }) => signed === null).length,
      },
      {
        what: 'Acts that nobody tried after',
        why: 'Where nobody asked for a record between the act and the next consent, there is no first refusal to measure.',
        count: measured.filter(({ firstRefusal }) => firstRefusal === null).length,
      },
      {
        what: 'Lengths to the block where an act came by the chain alone',
        why: 'Nobody brought it to this hospital, so it was known from its block on. Blocks tell their time in whole seconds: a length to a block is right to a second.',
        count: measured.filter(({ digest }) => digest === null).length,
      },
      {
        what: 'Results of live searches, in “handed out after”',
        why: 'The log does not say under which consent a search was answered. A lock counts them all.',
      },
      ...beyond(making),
    ],
  }
}

/** Never below zero: a block's second may have begun before the act came. */
const between = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from))

function figure(act: string, measure: string, lengths: (number | null)[]) {
  const sorted = lengths.filter((ms) => ms !== null).sort((a, b) => a - b)
  return {
    ...{ act, measure, acts: sorted.length },
    median: percentile(sorted, 50) ?? null,
    p99: percentile(sorted, 99) ?? null,
    most: sorted.at(-1) ?? null,
  }
}

/** Reads one person's trail once, from the first act on. */
async function follow({ trail }: Making, lookup: string, courses: Course[]): Promise<void> {
  const kinds = ['refusal', 'disclosure', 'consent-granted', 'objection-withdrawn', 'unlocked'] as const
  const from = courses[0]?.known
  for await (const { entry } of trail.entries({ ...(from ? { from } : {}), kinds, patients: [lookup] })) {
    const open = courses.filter((course) => !course.ended && course.known <= entry.recorded)
    for (const course of open) note(course, entry)
    if (courses.every(({ ended }) => ended)) return
  }
}

function note(course: Course, { kind, policy, reason = '', requester, recorded }: AuditEntry): void {
  const isSame = course.policy === null || policy === course.policy
  if (kind === 'refusal') {
    const isTheirs = course.grantee === null || requester?.id === course.grantee
    if (isTheirs && SHOWS[course.act].includes(reason)) course.firstRefusal ??= recorded
  } else if (kind === 'disclosure') {
    if (isSame) course.after++
  } else {
    // Only a lock ends with an unlocking.
    course.ended = course.policy === null ? kind === 'unlocked' : isSame
  }
}
