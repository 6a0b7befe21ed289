import { Wallet } from 'ethers'
import { actDomain, type HashedMessage, structHashOf, type TypedData } from '../domain/consent/typed-data.ts'
import type { Hex } from '../domain/hex.ts'
import { type Call, grantStruct } from './act-calls.ts'
import { ConsentRegistry__factory, type Contracts } from './contracts.ts'

const calls = ConsentRegistry__factory.createInterface()

const APPROVAL = {
  Approval: [
    { name: 'grant', type: 'bytes32' },
    { name: 'deadline', type: 'uint64' },
  ],
}

/**
 * The one call that brings a patient's grant and the custodian's approval of it to the chain, both signed (EIP-712). It
 * names no request. The approval counts as long as the grant does.
 * @param operator private key of an account that may act for the custodian
 * @param message the grant, hashed: nothing of its bodies enters calldata
 */
export async function approvedGrantCall(
  contracts: Contracts,
  chainId: number,
  operator: string,
  grant: { message: HashedMessage; signer: Hex; signature: Hex },
): Promise<Call> {
  const contract = contracts.consentRegistry as Hex
  const domain: TypedData['domain'] = actDomain('Grant', chainId, contract)
  const approvalDeadline = Number(grant.message.deadline)
  const approval = await new Wallet(operator).signTypedData(domain, APPROVAL, {
    grant: structHashOf('Grant', grant.message),
    deadline: approvalDeadline,
  })
  const backing = { proof: [], approvalDeadline, approval }
  const struct = grantStruct(grant.message)
  const data = calls.encodeFunctionData('grantWith', [struct, backing, grant.signer, grant.signature])
  return { contract, data: data as Hex }
}
