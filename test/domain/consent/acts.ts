import { keccak256, toUtf8Bytes } from 'ethers'
import { scopesRoot } from '../../../src/domain/consent/scope-tree.ts'
import { type ActMessages, type ActName, scopeHash } from '../../../src/domain/consent/typed-data.ts'
import { type Hex, ZERO_32 } from '../../../src/domain/hex.ts'

export const hash = (text: string) => keccak256(toUtf8Bytes(text)) as Hex

const handle = hash('a handle')
const scope = {
  granteeType: 'Organization' as const,
  grantee: 'urn:oid:2.999.1|hospital-é',
  purpose: 'TREAT',
  salt: hash('scope salt'),
}
const terms = {
  dataClasses: ['laboratory', 'problems'],
  sensitivities: ['HIV'],
  body: ZERO_32,
  salt: hash('terms salt'),
}

/** What comes along with the delegation below. */
export const HELPER = { name: 'Somebody', scopes: [scope, { ...scope, purpose: 'HRESCH' }] }

/** One message of each act, every field other than zero where it may be. */
export const MESSAGES: ActMessages = {
  Grant: {
    handle,
    scope,
    terms,
    from: '2024-10-04',
    until: '2025-10-04',
    snapshotOnly: false,
    mayBeReferredOn: true,
    needsApproval: false,
    laterMembersToo: true,
    version: 3,
    epoch: 2,
    deadline: 1_900_000_000,
  },
  Revocation: { handle, scope, upToVersion: 3 },
  Objection: { handle, scope, terms, upToVersion: 4 },
  Withdrawal: { handle, scope, version: 5, epoch: 2, deadline: 1_900_000_000 },
  Bind: { handle, custodian: hash('hospital'), deadline: 1_900_000_000 },
  Lock: { handle, upToEpoch: 2 },
  Unlock: { handle, epoch: 3, deadline: 1_900_000_000 },
  Renewal: { handle, scope, terms, until: '2026-10-04', version: 6, epoch: 2, deadline: 1_900_000_000 },
  RevocationList: {
    handle,
    items: [
      { scope, upToVersion: 3 },
      { scope: { ...scope, purpose: 'HRESCH', salt: hash('another salt') }, upToVersion: 8 },
    ],
  },
  BindGuardian: { handle, custodian: hash('hospital'), until: '2030-03-31', deadline: 1_900_000_000 },
  Delegation: {
    handle,
    delegate: hash('delegate'),
    bounds: {
      mayGrant: true,
      mayRevoke: true,
      mayObject: false,
      mayWithdrawObjections: false,
      mayLock: true,
      mayUnlock: false,
      snapshotOnly: false,
      mayBeReferredOn: true,
      needsApproval: false,
      laterMembersToo: false,
      longestDays: 90,
      until: '2027-01-31',
      scopes: scopesRoot(HELPER.scopes.map(scopeHash)),
    },
    version: 2,
    epoch: 5,
    deadline: 1_900_000_000,
  },
  DelegationEnd: { handle, delegate: hash('delegate'), upToVersion: 2 },
  BreakGlassOff: { handle, upToVersion: 4 },
  BreakGlassOn: { handle, version: 6, epoch: 5, deadline: 1_900_000_000 },
  Recovery: {
    handle,
    custodian: hash('hospital'),
    attempt: 2,
    until: '2030-03-31',
    deadline: 1_900_000_000,
  },
  RecoveryVeto: { handle, attempt: 2 },
}

export const ACTS = Object.keys(MESSAGES) as ActName[]

export const REGISTRIES = {
  chainId: 31_337,
  consentRegistry: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  patientRegistry: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512',
} as const
