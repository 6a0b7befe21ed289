// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HandleWord} from "./HandleWord.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";

/// @title Patients' handles and who signs for them
/// @notice A handle is 32 random bytes that stand for one patient at one custodian. Patients sign EIP-712 typed data
/// under the domain ("Wayleave Patients", "1", chain id, this contract):
///
/// - `Bind(bytes32 handle,bytes32 custodian,uint64 deadline)`
/// - `Lock(bytes32 handle,uint32 upToEpoch)`
/// - `Unlock(bytes32 handle,uint32 epoch,uint64 deadline)`
///
/// Example: a handle at epoch 0 is locked by a signed `Lock(handle, 0)`: epoch 1, locked. The same bytes sent again
/// change nothing, for 0 < 1. A signed `Unlock(handle, 1, deadline)` opens it; the epoch stays 1.
interface IPatientRegistry {
    /// @notice A handle got its custodian and the signer that owns it.
    event HandleBound(bytes32 indexed handle, bytes32 indexed custodian, bytes32 signerHash);
    /// @notice A handle is locked and at a new epoch.
    event HandleLocked(bytes32 indexed handle, uint32 epoch, bytes32 signerHash);
    /// @notice A handle is open again, at the same epoch.
    event HandleUnlocked(bytes32 indexed handle, uint32 epoch, bytes32 signerHash);
    /// @notice A lock up to `upToEpoch` came when the handle was past it: nothing changed.
    event LockUnchanged(bytes32 indexed handle, uint32 upToEpoch, uint32 epoch);

    /// @notice The handle belongs to `custodian` already; a bound signer is never replaced by binding.
    error PatientHandleBound(bytes32 handle, bytes32 custodian);
    /// @notice The signature's time is over.
    error PatientDeadlinePassed(bytes32 handle, uint64 deadline, uint256 blockTime);
    /// @notice The signer does not own the handle, or the handle is not bound.
    error PatientSignerNotOwner(bytes32 handle, bytes32 signerHash);
    /// @notice The handle is not locked.
    error PatientHandleNotLocked(bytes32 handle);
    /// @notice The signature is for another epoch than the handle's.
    error PatientEpochMismatch(bytes32 handle, uint32 epoch, uint32 expected);
    /// @notice No epoch follows this one. An unlocking at the last epoch is refused as well: it could not be undone.
    error PatientEpochExhausted(bytes32 handle, uint32 epoch);

    /// @notice Binds an unbound handle to the caller's member, as custodian, and to the patient's signer, as owner.
    /// @dev Reverts with the errors of `IMemberRegistry.requireRole` (registrar) and of `Signers`, too.
    /// @param handle 32 random bytes.
    /// @param deadline Last block time, in seconds, at which the signature counts.
    /// @param signer The patient's account, 20 bytes, or passkey, 116 (see `Signers`).
    /// @param signature The signer's over `Bind`: 65 bytes, or a WebAuthn assertion.
    function bind(bytes32 handle, uint64 deadline, bytes calldata signer, bytes calldata signature) external;

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

    /// @notice The one verifier of passkeys that is asked, here and in the ConsentRegistry.
    function passkeys() external view returns (IPasskeyVerifier);

    /// @notice A handle's custodian, zero if unbound, and its word.
    function handleState(bytes32 handle) external view returns (bytes32 custodian, HandleWord word);

    /// @notice Whether a signer, given by its keccak256, owns a handle.
    function isOwner(bytes32 handle, bytes32 signerHash) external view returns (bool);

    /// @notice Both at once, for a contract that checks a widening act.
    function ownership(bytes32 handle, bytes32 signerHash) external view returns (bool owner, HandleWord word);
}
