// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Backing,
    Grant,
    Objection,
    Reading,
    Referral,
    Renewal,
    Revocation,
    RevocationList,
    Withdrawal
} from "./ConsentTypes.sol";
import {ConsentWord} from "./ConsentWord.sol";

/// @title Patients' consents
/// @notice One word for each (handle, scope). Every act carries the signature of the handle's owner and is sent by
/// anybody. Patients sign EIP-712 typed data under the domain ("Wayleave Consent", "1", chain id, this contract):
///
/// - `Scope(string granteeType,string grantee,string purpose,bytes32 salt)`
/// - `Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)`
/// - `Grant(bytes32 handle,Scope scope,Terms terms,string from,string until,bool snapshotOnly,bool mayBeReferredOn,bool
///   needsApproval,bool laterMembersToo,uint24 version,uint32 epoch,uint64 deadline)`
/// - `Renewal(bytes32 handle,Scope scope,Terms terms,string until,uint24 version,uint32 epoch,uint64 deadline)`
/// - `Revocation(bytes32 handle,Scope scope,uint24 upToVersion)`
/// - `RevocationList(bytes32 handle,RevocationItem[] items)` with `RevocationItem(Scope scope,uint24 upToVersion)`
/// - `Objection(bytes32 handle,Scope scope,Terms terms,uint24 upToVersion)`
/// - `Withdrawal(bytes32 handle,Scope scope,uint24 version,uint32 epoch,uint64 deadline)`
///
/// and a custodian's account signs `Approval(bytes32 grant,uint64 deadline)` over a grant's struct hash.
///
/// A day is signed as a date, YYYY-MM-DD. The wallet shows scope and terms in clear; calldata carries their struct hashes.
///
/// What widens (grant, renewal, withdrawal) names the exact next version, the handle's epoch and a deadline, and does not land
/// while the handle is locked. What narrows (revocation, objection) says "every version up to N", has neither deadline
/// nor epoch, and always lands: where N has been reached, the version becomes N + 1; where the slot is past N, nothing
/// changes and nothing reverts.
///
/// Example: a slot at version 0 takes a grant of version 1. `Revocation(handle, scope, 1)` makes it silent at version
/// 2. A grant of version 3 permits again; the old revocation, sent anew, changes nothing, for 1 < 3.
interface IConsentRegistry {
    /// @notice A permit stands in the slot.
    event ConsentGranted(bytes32 indexed handle, bytes32 indexed scope, ConsentWord word, bytes32 signerHash);
    /// @notice The slot has a higher version and no permit; an objection in it stayed.
    event ConsentRevoked(bytes32 indexed handle, bytes32 indexed scope, ConsentWord word, bytes32 signerHash);
    /// @notice An objection stands in the slot.
    event ConsentObjected(bytes32 indexed handle, bytes32 indexed scope, ConsentWord word, bytes32 signerHash);
    /// @notice The objection in the slot ended; it is silent.
    event ObjectionWithdrawn(bytes32 indexed handle, bytes32 indexed scope, ConsentWord word, bytes32 signerHash);
    /// @notice A revocation or objection up to `upToVersion` came when the slot was past it: nothing changed.
    event ConsentUnchanged(bytes32 indexed handle, bytes32 indexed scope, uint24 upToVersion, uint24 version);

    /// @notice An item of a batch was refused for this reason, the data of its error; the others stand.
    event BatchItemRefused(uint256 indexed index, bytes reason);
    /// @notice The custodian anchored a referral under the permit in a slot.
    event ReferralAnchored(
        bytes32 indexed handle,
        bytes32 indexed scope,
        bytes32 referral,
        uint16 untilDay,
        uint24 parentVersion
    );

    /// @notice The signature's time is over.
    error ConsentDeadlinePassed(bytes32 handle, uint64 deadline, uint256 blockTime);
    /// @notice The period ends before it begins.
    error ConsentPeriodInverted(uint16 fromDay, uint16 untilDay);
    /// @notice The period is longer than `maximum` days.
    error ConsentPeriodTooLong(uint16 fromDay, uint16 untilDay, uint256 maximum);
    /// @notice The period ended before today.
    error ConsentPeriodOver(uint16 untilDay, uint256 today);
    /// @notice `flags` has bits that mean nothing.
    error ConsentFlagsUnknown(uint8 flags);
    /// @notice The signature is for another version than the slot's next.
    error ConsentVersionMismatch(bytes32 handle, bytes32 scope, uint24 version, uint256 expected);
    /// @notice No version follows this one. A grant of the last version is refused as well: it could not be revoked.
    error ConsentVersionExhausted(bytes32 handle, bytes32 scope, uint24 version);
    /// @notice The handle is bound to nobody.
    error ConsentHandleUnbound(bytes32 handle);
    /// @notice The handle is locked: nothing widens.
    error ConsentHandleLocked(bytes32 handle);
    /// @notice The signature is for another epoch than the handle's.
    error ConsentEpochMismatch(bytes32 handle, uint32 epoch, uint32 expected);
    /// @notice The signer does not own the handle.
    error ConsentSignerNotOwner(bytes32 handle, bytes32 signerHash);
    /// @notice There is no objection in the slot to withdraw.
    error ConsentNoObjection(bytes32 handle, bytes32 scope);
    /// @notice There is no permit in the slot to renew or to refer under.
    error ConsentNoPermit(bytes32 handle, bytes32 scope);
    /// @notice The renewal names other terms than the permit's.
    error ConsentTermsMismatch(bytes32 handle, bytes32 scope, bytes32 terms, uint160 expected);
    /// @notice The grant's flag asks for the custodian's approval, and none came.
    error ConsentApprovalMissing(bytes32 handle, bytes32 scope);
    /// @notice An approval came that the grant's flags do not ask for.
    error ConsentApprovalUnasked(bytes32 handle, bytes32 scope);
    /// @notice The approval is not by an account of the handle's custodian.
    error ConsentApprovalForeign(bytes32 handle, address approver);
    /// @notice The delegate may not grant for so long.
    error ConsentDelegatePeriodTooLong(bytes32 signerHash, uint16 fromDay, uint16 untilDay, uint16 longestDays);
    /// @notice The delegate may not set these flags.
    error ConsentDelegateFlags(bytes32 signerHash, uint8 flags, uint8 allowed);
    /// @notice The delegate may not widen this scope, or the proof does not show that it may.
    error ConsentDelegateScope(bytes32 signerHash, bytes32 scope, bytes32 root);
    /// @notice The caller's member is not the handle's custodian.
    error ConsentNotCustodian(bytes32 handle, bytes32 member);
    /// @notice The permit may not be referred on.
    error ConsentReferralForbidden(bytes32 handle, bytes32 scope, uint8 flags);
    /// @notice The referral would outlast the permit.
    error ConsentReferralTooLong(uint16 untilDay, uint16 parentUntilDay);
    /// @notice The referral is anchored already.
    error ConsentReferralTaken(bytes32 referral);
    /// @notice The permit waits for the recovered patient to confirm it.
    error ConsentSuspended(bytes32 handle, bytes32 scope, uint32 minedAt);
    /// @notice A batch does not hold batches.
    error ConsentBatchNested();
    /// @notice The transaction's gas ran out at an item, which is not skipped for that.
    error ConsentBatchGas(uint256 index);
    /// @notice A list is longer than `maximum`.
    error ConsentListTooLong(uint256 length, uint256 maximum);

    /// @notice Puts a permit into the slot, in place of whatever was there.
    /// @dev Reverts with the errors of `Signers`, too; so do all acts.
    /// @param g What is granted.
    /// @param signer The owner's account, 20 bytes, or passkey, 116 (see `Signers`).
    /// @param signature The signer's over `Grant`: 65 bytes, or a WebAuthn assertion.
    function grant(Grant calldata g, bytes calldata signer, bytes calldata signature) external;

    /// @notice The same for a grant that needs more: a delegate's proof, the custodian's approval, or both. The patient's
    /// and the custodian's signatures are gathered in either order, and land together or not at all.
    function grantWith(
        Grant calldata g,
        Backing calldata backing,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Lets a permit last longer, its terms and flags as they are. Emits `ConsentGranted`.
    /// @dev A permit that needs the custodian's approval is granted anew instead.
    /// @param proof Merkle proof of a delegate bound to scopes, else empty.
    function renew(
        Renewal calldata r,
        bytes32[] calldata proof,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Ends a permit; an objection stays one.
    /// @dev Reverts for a bad or foreign signature, and for the last value of the type, only.
    function revoke(Revocation calldata r, bytes calldata signer, bytes calldata signature) external;

    /// @notice Ends permits in many slots of one patient under one signature, at most 256.
    /// @dev An item that its slot is past, or that names the last value of the type, is skipped and reported by
    /// `ConsentUnchanged`. Reverts for a bad or foreign signature, and for a list out of bounds, only.
    function revokeMany(RevocationList calldata r, bytes calldata signer, bytes calldata signature) external;

    /// @notice Puts an objection into the slot.
    /// @dev Reverts for a bad or foreign signature, and for the last value of the type, only.
    function object(Objection calldata o, bytes calldata signer, bytes calldata signature) external;

    /// @notice Ends an objection; the slot is silent then. Not open to a delegate that is bound to scopes.
    function withdrawObjection(Withdrawal calldata w, bytes calldata signer, bytes calldata signature) external;

    /// @notice Carries out many acts, of any patients, at most 100. One that is refused is skipped and reported.
    /// @param calls Calldata of this contract's other functions.
    function batch(bytes[] calldata calls) external;

    /// @notice Anchors a grantee's passing on to another member, one hop, under a permit that allows it. The custodian
    /// sends it, having checked that the referral's terms are not wider than the permit's.
    /// @param referral Salted hash of what the grantee signed: random reference, next member, terms, last day.
    /// @param untilDay Its last day, not after the permit's.
    function anchorReferral(bytes32 handle, bytes32 scope, bytes32 referral, uint16 untilDay) external;

    /// @notice A referral, and whether the permit that it rests on still carries it at this block.
    function referralOf(
        bytes32 handle,
        bytes32 scope,
        bytes32 referral
    ) external view returns (Referral memory anchored, bool live);

    /// @notice Everything that the custodian's broker needs for one decision, in one call at one block.
    /// @param handle The patient at the custodian.
    /// @param scopes The scopes that could concern the request, at most 256.
    /// @param grantee The member that asks.
    /// @param groups The groups named in those scopes, at most 256.
    function read(
        bytes32 handle,
        bytes32[] calldata scopes,
        bytes32 grantee,
        bytes32[] calldata groups
    ) external view returns (Reading memory);

    /// @notice The word in one slot; zero if nothing was ever signed for it.
    function wordOf(bytes32 handle, bytes32 scope) external view returns (ConsentWord);
}
