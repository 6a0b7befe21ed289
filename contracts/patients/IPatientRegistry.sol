// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {Delegation, Recovery} from "./PatientTypes.sol";
import {Rights} from "./Rights.sol";

/// @title Patients' handles and who signs for them
/// @notice A handle is 32 random bytes that stand for one patient at one custodian. Patients sign EIP-712 typed data
/// under the domain ("Wayleave Patients", "1", chain id, this contract):
///
/// - `Bind(bytes32 handle,bytes32 custodian,uint64 deadline)`
/// - `BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)`
/// - `Lock(bytes32 handle,uint32 upToEpoch)`
/// - `Unlock(bytes32 handle,uint32 epoch,uint64 deadline)`
/// - `Delegation(bytes32 handle,bytes32 delegate,Bounds bounds,uint24 version,uint32 epoch,uint64 deadline)` with
///   `Bounds(bool mayGrant,bool mayRevoke,bool mayObject,bool mayWithdrawObjections,bool mayLock,bool mayUnlock,bool
///   snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint16 longestDays,string
///   until,bytes32 scopes)`
/// - `DelegationEnd(bytes32 handle,bytes32 delegate,uint24 upToVersion)`
/// - `BreakGlassOff(bytes32 handle,uint16 upToVersion)`
/// - `BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)`
/// - `Recovery(bytes32 handle,bytes32 custodian,uint32 attempt,string until,uint64 deadline)`, by the new key
/// - `RecoveryVeto(bytes32 handle,uint32 attempt)`, by the old key
///
/// A day is signed as a date, YYYY-MM-DD; `until` of a recovery is empty where the patient takes over.
///
/// What widens names exact versions, the epoch and a deadline, and does not land while the handle is locked or a
/// recovery is pending. What narrows says "up to", has neither deadline nor epoch, and always lands.
///
/// Example: a handle at epoch 0 is locked by a signed `Lock(handle, 0)`: epoch 1, locked. The same bytes sent again
/// change nothing, for 0 < 1. A signed `Unlock(handle, 1, deadline)` opens it; the epoch stays 1.
///
/// Recovery: a registrar of the custodian starts it with the new key's proof. For seven days the old key may veto, once;
/// a second proof before two registrars overrides the veto. Meanwhile neither key widens, and both may revoke, object
/// and lock. On completion the epoch rises, every right given before is void, and grants mined in the 30 days before the
/// start, or since, wait for the new key to sign them anew.
interface IPatientRegistry {
    /// @notice A handle got its custodian and the signer that owns it.
    event HandleBound(bytes32 indexed handle, bytes32 indexed custodian, bytes32 signerHash);
    /// @notice The signer is the patient's guardian until a day, at which a quarter ends.
    event GuardianSet(bytes32 indexed handle, bytes32 signerHash, uint16 untilDay);
    /// @notice A handle is locked and at a new epoch.
    event HandleLocked(bytes32 indexed handle, uint32 epoch, bytes32 signerHash);
    /// @notice A handle is open again, at the same epoch.
    event HandleUnlocked(bytes32 indexed handle, uint32 epoch, bytes32 signerHash);
    /// @notice A lock up to `upToEpoch` came when the handle was past it: nothing changed.
    event LockUnchanged(bytes32 indexed handle, uint32 upToEpoch, uint32 epoch);
    /// @notice A delegate has these rights.
    event DelegateSet(bytes32 indexed handle, bytes32 indexed delegate, Rights rights, bytes32 scopes, bytes32 signerHash);
    /// @notice A delegate has no rights any more; the delegation is at a new version.
    event DelegateEnded(bytes32 indexed handle, bytes32 indexed delegate, uint24 version, bytes32 signerHash);
    /// @notice An end up to `upToVersion` came when the delegation was past it: nothing changed.
    event DelegateUnchanged(bytes32 indexed handle, bytes32 indexed delegate, uint24 upToVersion, uint24 version);
    /// @notice The break-glass switch of a handle is off or on.
    event BreakGlassSwitched(bytes32 indexed handle, bool off, uint16 version, bytes32 signerHash);
    /// @notice A switching off came when the switch was past it: nothing changed.
    event BreakGlassUnchanged(bytes32 indexed handle, uint16 upToVersion, uint16 version);
    /// @notice A recovery is pending.
    event RecoveryStarted(bytes32 indexed handle, uint32 attempt, bytes32 newSigner, uint16 untilDay, uint64 readyAt);
    /// @notice The old key stopped the recovery.
    event RecoveryVetoed(bytes32 indexed handle, uint32 attempt, bytes32 signerHash);
    /// @notice A first registrar vouches for overriding a veto; a second is needed.
    event RecoveryOverrideProposed(bytes32 indexed handle, uint32 attempt, bytes32 newSigner, address registrar);
    /// @notice The custodian took a pending recovery back.
    event RecoveryCancelled(bytes32 indexed handle, uint32 attempt);
    /// @notice The new key took over: the handle is at another epoch and generation.
    event RecoveryCompleted(bytes32 indexed handle, uint32 attempt, bytes32 newSigner, HandleWord word);

    /// @notice The handle belongs to `custodian` already; a bound signer is never replaced by binding.
    error PatientHandleBound(bytes32 handle, bytes32 custodian);
    /// @notice The signature's time is over.
    error PatientDeadlinePassed(bytes32 handle, uint64 deadline, uint256 blockTime);
    /// @notice The signer has no rights on the handle, or the handle is not bound.
    error PatientSignerNotOwner(bytes32 handle, bytes32 signerHash);
    /// @notice The handle is not locked.
    error PatientHandleNotLocked(bytes32 handle);
    /// @notice The handle is locked: nothing widens.
    error PatientHandleLocked(bytes32 handle);
    /// @notice The signature is for another epoch than the handle's.
    error PatientEpochMismatch(bytes32 handle, uint32 epoch, uint32 expected);
    /// @notice No epoch follows this one. An unlocking at the last epoch is refused as well: it could not be undone.
    error PatientEpochExhausted(bytes32 handle, uint32 epoch);
    /// @notice The signature is for another version than the next.
    error PatientVersionMismatch(bytes32 handle, uint256 version, uint256 expected);
    /// @notice No version follows this one.
    error PatientVersionExhausted(bytes32 handle, uint256 version);
    /// @notice The key is owner or guardian of the handle already.
    error PatientSignerBound(bytes32 handle, bytes32 signerHash);
    /// @notice `acts` has bits that mean nothing, or none.
    error PatientActsUnknown(uint8 acts);
    /// @notice `flags` has bits that mean nothing.
    error PatientFlagsUnknown(uint8 flags);
    /// @notice The last day is over.
    error PatientEndPassed(uint16 untilDay, uint256 today);
    /// @notice A guardian's last day is the last of a quarter; the next one is `expected`.
    error PatientEndNotRounded(uint16 untilDay, uint256 expected);
    /// @notice The member is not the handle's custodian.
    error PatientNotCustodian(bytes32 handle, bytes32 member);
    /// @notice The act is not open while a recovery stands so.
    error PatientRecoveryStateInvalid(bytes32 handle, RecoveryState state);
    /// @notice The signature is for another attempt at recovery.
    error PatientAttemptMismatch(bytes32 handle, uint32 attempt, uint32 expected);
    /// @notice The recovery waits until `readyAt`.
    error PatientRecoveryTooEarly(bytes32 handle, uint64 readyAt, uint256 blockTime);
    /// @notice Two registrars are needed; this one has vouched already.
    error PatientRegistrarTwice(bytes32 handle, address registrar);

    /// @notice Binds an unbound handle to the caller's member, as custodian, and to the patient's signer, as owner.
    /// @dev Reverts with the errors of `IMemberRegistry.requireRole` (registrar) and of `Signers`, too.
    /// @param handle 32 random bytes.
    /// @param deadline Last block time, in seconds, at which the signature counts.
    /// @param signer The patient's account, 20 bytes, or passkey, 116 (see `Signers`).
    /// @param signature The signer's over `Bind`: 65 bytes, or a WebAuthn assertion.
    function bind(bytes32 handle, uint64 deadline, bytes calldata signer, bytes calldata signature) external;

    /// @notice The same for a guardian, who may do all that the patient may until a day.
    /// @param untilDay The guardian's last day, the last of a quarter, in days since 1970-01-01 UTC.
    function bindGuardian(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice "Every epoch up to E": where E has been reached, the epoch becomes E + 1 and the handle is locked; where
    /// the handle is past E, nothing changes and nothing reverts. Sent by anybody; no deadline.
    /// @dev Reverts for a bad or foreign signature, and for the last value of the type, only.
    function lock(bytes32 handle, uint32 upToEpoch, bytes calldata signer, bytes calldata signature) external;

    /// @notice Opens a locked handle of exactly this epoch, which stays. Sent by anybody.
    function unlock(
        bytes32 handle,
        uint32 epoch,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Appoints a delegate within bounds. Signed by the owner or guardian, sent by anybody.
    function appoint(Delegation calldata d, bytes calldata signer, bytes calldata signature) external;

    /// @notice Ends every delegation up to a version. Signed by the owner, the guardian or the delegate itself.
    function endDelegation(
        bytes32 handle,
        bytes32 delegate,
        uint24 upToVersion,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Switches break-glass off at this custodian, at every version up to one.
    function switchBreakGlassOff(
        bytes32 handle,
        uint16 upToVersion,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Switches break-glass on again, at exactly the next version.
    function switchBreakGlassOn(
        bytes32 handle,
        uint16 version,
        uint32 epoch,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Starts a recovery. A registrar of the handle's custodian sends it, with the new key's proof.
    /// @param untilDay The last day of a guardian who takes over, the last of a quarter; zero where the patient does.
    function startRecovery(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice The old key's only veto. Sent by anybody.
    function vetoRecovery(
        bytes32 handle,
        uint32 attempt,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Overrides a veto: two registrars of the custodian each send the same second proof by the new key. The
    /// wait begins anew, without another veto.
    function overrideVeto(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external;

    /// @notice Takes a pending recovery back; a veto that was spent stays spent. A registrar of the custodian sends it.
    function cancelRecovery(bytes32 handle) external;

    /// @notice Completes a recovery whose wait is over. Sent by anybody.
    function completeRecovery(bytes32 handle) external;

    /// @notice The one verifier of passkeys that is asked, here and in the ConsentRegistry.
    function passkeys() external view returns (IPasskeyVerifier);

    /// @notice A handle's custodian, zero if unbound, and its word.
    function handleState(bytes32 handle) external view returns (bytes32 custodian, HandleWord word);

    /// @notice Whether a signer, given by its keccak256, owns a handle.
    function isOwner(bytes32 handle, bytes32 signerHash) external view returns (bool);

    /// @notice A signer's rights in the present generation, the root of its scopes, and the handle's word.
    /// @dev A day that is over is the caller's to check. The new key of a pending recovery is a candidate.
    function rightsOf(
        bytes32 handle,
        bytes32 signerHash
    ) external view returns (Rights rights, bytes32 scopes, HandleWord word);

    /// @notice A signer's rights in the present generation, for an act that narrows: an owner's are found in one read.
    function narrowingRightsOf(bytes32 handle, bytes32 signerHash) external view returns (Rights rights);

    /// @notice A signer's rights as they were last written, of whatever generation, ended ones as well: the version of a
    /// delegation that ended is found here. Who may do something is told by `rightsOf`.
    function lastRightsOf(bytes32 handle, bytes32 signerHash) external view returns (Rights);

    /// @notice The owner or guardian that was bound or took over last; zero if the handle is not bound.
    function masterOf(bytes32 handle) external view returns (bytes32 signerHash);

    /// @notice The recovery of a handle, as it stands or last stood; the handle's word says which.
    function recoveryOf(bytes32 handle) external view returns (Recovery memory);
}
