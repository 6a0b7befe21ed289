/**
 * Time as a process sees it, passed in wherever it matters so that tests can move it. `now` is wall time in milliseconds
 * since 1970; `monotonic` is milliseconds that never run backwards, for ages.
 */
export type Clock = { now(): number; monotonic(): number }

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }
