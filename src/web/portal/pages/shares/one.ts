import type { Hex } from '../../../../domain/hex.ts'
import type { OwnShare } from '../../../../patient/own-shares.ts'
import { type OwnAt, useOwnConsents } from '../../own/hospitals.ts'
import { behindKey } from '../../own/local-keys.ts'

/** The share that a name in the address stands for; `loading` until its hospital has answered, undefined where there is none. */
export function useShare(key: string): { at: OwnAt; share: OwnShare } | 'loading' | undefined {
  const all = useOwnConsents()
  const [member, slot] = behindKey<[Hex, Hex]>(key) ?? []
  if (!member) return undefined
  const at = all.find(({ hospital }) => hospital.member.id === member)
  if (!at || at.state === 'loading') return 'loading'
  const share = at.shares.find(({ scopeHash }) => scopeHash === slot)
  return share ? { at, share } : undefined
}
