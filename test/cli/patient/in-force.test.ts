import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChainView } from '../../../src/cli/patient/in-force.ts'
import { sentenceOf } from '../../../src/cli/patient/sentences.ts'
import type { ConsentWord } from '../../../src/domain/consent/consent-word.ts'
import { standingOfHandle, standingOfSlot } from '../../../src/domain/consent/standing.ts'
import type { ActMessages } from '../../../src/domain/consent/typed-data.ts'
import type { Hex } from '../../../src/domain/hex.ts'
import { buildLock, buildRevocation } from '../../../src/patient/acts.ts'
import { childKey, createWords } from '../../../src/patient/seed.ts'
import { signAct } from '../../../src/patient/sign.ts'
import { freePort } from '../../../src/sandbox/ports.ts'
import { NO_SWITCH } from '../../support/in-words.ts'

const handle: Hex = `0x${'1a'.repeat(32)}`
const noFlags = { snapshotOnly: false, mayBeReferredOn: false, needsApproval: false, laterMembersToo: false }
const word = (state: ConsentWord['state'], version: number): ConsentWord => ({
  state,
  version,
  terms: '0x',
  minedAt: 0,
  fromDay: 0,
  untilDay: 0,
  flags: noFlags,
})

describe('what the chain says about an act', () => {
  const grant = { version: 4 } as ActMessages['Grant']
  const narrowing = { upToVersion: 4 } as ActMessages['Revocation']

  test.each([
    ['a grant', 'Grant', grant, word('silent', 3), 'not yet'],
    ['a grant', 'Grant', grant, word('permit', 4), 'in force'],
    ['a grant whose version went to a withdrawal', 'Grant', grant, word('silent', 4), 'beaten'],
    ['a grant that was revoked at once', 'Grant', grant, word('silent', 6), 'beaten'],
    ['a withdrawal', 'Withdrawal', grant, word('objection', 3), 'not yet'],
    ['a withdrawal', 'Withdrawal', grant, word('silent', 4), 'in force'],
    ['a revocation', 'Revocation', narrowing, word('permit', 4), 'not yet'],
    ['a revocation', 'Revocation', narrowing, word('silent', 5), 'in force'],
    ['a revocation of what is objected to', 'Revocation', narrowing, word('objection', 5), 'in force'],
    ['a revocation that a later grant has passed', 'Revocation', narrowing, word('permit', 6), 'beaten'],
    ['an objection', 'Objection', narrowing, word('permit', 3), 'not yet'],
    ['an objection', 'Objection', narrowing, word('objection', 5), 'in force'],
    ['an objection that a later grant has passed', 'Objection', narrowing, word('permit', 6), 'beaten'],
  ] as const)('%s: %s', (_name, act, message, slot, standing) => {
    expect(standingOfSlot(act, message, slot)).toBe(standing)
  })

  test.each([
    ['Lock', { upToEpoch: 2 }, false, 1, 'not yet'],
    ['Lock', { upToEpoch: 2 }, true, 2, 'not yet'],
    ['Lock', { upToEpoch: 2 }, true, 3, 'in force'],
    ['Lock', { upToEpoch: 2 }, false, 3, 'beaten'],
    ['Unlock', { epoch: 3 }, true, 3, 'not yet'],
    ['Unlock', { epoch: 3 }, false, 3, 'in force'],
    ['Unlock', { epoch: 3 }, true, 4, 'beaten'],
  ] as const)('%s %o, locked %s at epoch %i: %s', (act, more, locked, epoch, standing) => {
    const message = { handle, deadline: 0, ...more } as ActMessages['Lock'] & ActMessages['Unlock']
    expect(standingOfHandle(act, message, { locked, epoch })).toBe(standing)
  })
})

describe('a patient is told no more than is certain', () => {
  const state = { handle, locked: false, epoch: 0, lockSignedUpTo: -1, emergency: NO_SWITCH, consents: [] }
  const place = {
    chainId: 1,
    consentRegistry: `0x${'c0'.repeat(20)}`,
    patientRegistry: `0x${'b0'.repeat(20)}`,
  }
  const s = { handle, scopeSecret: new Uint8Array(32), place, state }
  const to = { granteeType: 'Everyone' as const, grantee: '' }
  const revocation = {
    act: 'Revocation' as const,
    message: buildRevocation(s, { to, purpose: 'TREAT' }).message,
  }
  const names = { custodian: 'Hospital A', party: () => 'everyone', awaitsApproval: false }

  test.each([
    ['not yet', true, 'this counts already, and the chain will show it.'],
    ['in force', true, 'this counts already, and stands on the chain.'],
    ['not yet', false, 'it counts as soon as it reaches Hospital A.'],
    ['in force', false, 'it stands on the chain.'],
    ['beaten', true, 'sign again if you still want it.'],
  ] as const)('a revocation: %s, acknowledged %s', (standing, countsAlready, end) => {
    expect(sentenceOf({ ...revocation, ...names, standing, countsAlready })).toMatch(new RegExp(`${end}$`))
  })

  test('a change that is not mined is not in force', () => {
    const message = { handle, epoch: 3, deadline: 0 }
    const told = {
      act: 'Unlock' as const,
      message,
      standing: 'not yet' as const,
      countsAlready: false,
      ...names,
    }
    expect(sentenceOf(told)).toContain('waits to be mined and is not in force yet')
  })

  describe('a node that does not answer', () => {
    let view: ReturnType<typeof createChainView>
    beforeAll(async () => {
      const nowhere = `0x${'d0'.repeat(20)}`
      const contracts = {
        accessManager: nowhere,
        memberRegistry: nowhere,
        patientRegistry: place.patientRegistry,
        consentRegistry: place.consentRegistry,
        recordDirectory: nowhere,
        accessLog: nowhere,
        passkeyVerifier: nowhere,
        accessRequests: nowhere,
        breakGlass: nowhere,
        succession: nowhere,
        council: nowhere,
      }
      view = createChainView({
        rpc: `http://127.0.0.1:${await freePort()}`,
        chainId: 1,
        contracts,
        deployedAt: 0,
      })
    })
    afterAll(() => view.close())

    test('leaves it at "not yet", within the time given', async () => {
      const { privateKey } = childKey(createWords(), handle)
      const signed = await signAct(privateKey, buildLock(s))
      const began = performance.now()
      expect(await view.standingOf(signed, 700)).toBe('not yet')
      expect(performance.now() - began).toBeLessThan(3_000)
    })
  })
})
