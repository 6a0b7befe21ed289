import type { Hex } from '../hex.ts'
import type { Scope } from './scope.ts'
import type { DelegateBounds } from './typed-data.ts'

/** One whom the patient has appointed, as `GET /patient/delegates` tells the patient. */
export type OwnDelegate = {
  /** keccak256 of the helper's key. */
  delegate: Hex
  /** What the patient called this helper when appointing. */
  name?: string
  bounds: Omit<DelegateBounds, 'scopes'>
  /** Whom and what for it may widen anything; absent where it may for all. */
  scopes?: Scope[]
  /** Of the delegation, on the chain. */
  version: number
  /** The highest "up to" of an end that the custodian holds; -1 for none. */
  signedUpTo: number
  /**
   * `waiting`: signed, and the chain will show it. `over`: its last day is past. `ended`: by the patient, the helper, or a recovery;
   * an end counts here once it is signed.
   */
  state: 'waiting' | 'in-force' | 'over' | 'ended'
}

/** What a helper is told of its own delegation, as `GET /patient/helping` tells it. Whom it helps it knows. */
export type OwnHelping = Pick<OwnDelegate, 'bounds' | 'scopes' | 'version'> & { handle: Hex }
