import type { ConsentBody } from '../body-hash.ts'
import type { DataClass } from '../data-classes.ts'
import type { Scope } from '../scope.ts'
import type { Defect } from './parse-consent.ts'

/** One act to sign: a grant of these classes and kinds, or an objection to these classes (none named: to everything). */
export type ConsentWish = {
  effect: 'permit' | 'deny'
  to: Omit<Scope, 'purpose'>
  purpose: string
  dataClasses: DataClass[]
  sensitivities: string[]
  /** YYYY-MM-DD, both included; absent where the Consent names none. */
  from?: string
  until?: string
  /** What scope, classes and kinds cannot say; the terms name its hash. */
  body?: ConsentBody
}

export type ReadWishes = { wishes: ConsentWish[]; problems: Defect[] }
