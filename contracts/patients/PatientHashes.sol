// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IsoDates} from "./IsoDates.sol";
import {Delegation} from "./PatientTypes.sol";
import {
    ACT_GRANT,
    ACT_LOCK,
    ACT_OBJECT,
    ACT_REVOKE,
    ACT_UNLOCK,
    ACT_WITHDRAW,
    Bounds
} from "./Rights.sol";

/// @title EIP-712 struct hashes of what is signed for the PatientRegistry
library PatientHashes {
    bytes32 private constant BIND = keccak256("Bind(bytes32 handle,bytes32 custodian,uint64 deadline)");
    bytes32 private constant BIND_GUARDIAN =
        keccak256("BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)");
    bytes32 private constant LOCK = keccak256("Lock(bytes32 handle,uint32 upToEpoch)");
    bytes32 private constant UNLOCK = keccak256("Unlock(bytes32 handle,uint32 epoch,uint64 deadline)");
    bytes32 private constant BOUNDS = keccak256(
        "Bounds(bool mayGrant,bool mayRevoke,bool mayObject,bool mayWithdrawObjections,bool mayLock,bool mayUnlock,bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint16 longestDays,string until,bytes32 scopes)"
    );
    bytes32 private constant DELEGATION = keccak256(
        "Delegation(bytes32 handle,bytes32 delegate,Bounds bounds,uint24 version,uint32 epoch,uint64 deadline)"
        "Bounds(bool mayGrant,bool mayRevoke,bool mayObject,bool mayWithdrawObjections,bool mayLock,bool mayUnlock,bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint16 longestDays,string until,bytes32 scopes)"
    );
    bytes32 private constant DELEGATION_END =
        keccak256("DelegationEnd(bytes32 handle,bytes32 delegate,uint24 upToVersion)");
    bytes32 private constant BREAK_GLASS_OFF = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
    bytes32 private constant BREAK_GLASS_ON =
        keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
    bytes32 private constant RECOVERY =
        keccak256("Recovery(bytes32 handle,bytes32 custodian,uint32 attempt,string until,uint64 deadline)");
    bytes32 private constant RECOVERY_VETO = keccak256("RecoveryVeto(bytes32 handle,uint32 attempt)");

    function bind(bytes32 handle, bytes32 custodian, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(BIND, handle, custodian, deadline));
    }

    function bindGuardian(
        bytes32 handle,
        bytes32 custodian,
        uint16 untilDay,
        uint64 deadline
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(BIND_GUARDIAN, handle, custodian, IsoDates.hash(untilDay), deadline));
    }

    function lock(bytes32 handle, uint32 upToEpoch) internal pure returns (bytes32) {
        return keccak256(abi.encode(LOCK, handle, upToEpoch));
    }

    function unlock(bytes32 handle, uint32 epoch, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(UNLOCK, handle, epoch, deadline));
    }

    function delegation(Delegation calldata d) internal pure returns (bytes32) {
        bytes32 inner = bounds(d.bounds);
        return keccak256(abi.encode(DELEGATION, d.handle, d.delegate, inner, d.version, d.epoch, d.deadline));
    }

    /// @dev The bit sets are signed as words, one yes or no for each, so that a wallet shows what they mean.
    function bounds(Bounds calldata b) internal pure returns (bytes32) {
        (uint8 acts, uint8 flags) = (b.acts, b.flags);
        bytes memory may = abi.encode(
            BOUNDS,
            acts & ACT_GRANT != 0,
            acts & ACT_REVOKE != 0,
            acts & ACT_OBJECT != 0,
            acts & ACT_WITHDRAW != 0,
            acts & ACT_LOCK != 0,
            acts & ACT_UNLOCK != 0
        );
        bytes memory within = abi.encode(
            flags & 1 != 0,
            flags & 2 != 0,
            flags & 4 != 0,
            flags & 8 != 0,
            b.longestDays,
            IsoDates.hash(b.untilDay),
            b.scopes
        );
        return keccak256(bytes.concat(may, within));
    }

    function delegationEnd(bytes32 handle, bytes32 delegate, uint24 upToVersion) internal pure returns (bytes32) {
        return keccak256(abi.encode(DELEGATION_END, handle, delegate, upToVersion));
    }

    function breakGlassOff(bytes32 handle, uint16 upToVersion) internal pure returns (bytes32) {
        return keccak256(abi.encode(BREAK_GLASS_OFF, handle, upToVersion));
    }

    function breakGlassOn(
        bytes32 handle,
        uint16 version,
        uint32 epoch,
        uint64 deadline
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(BREAK_GLASS_ON, handle, version, epoch, deadline));
    }

    function recovery(
        bytes32 handle,
        bytes32 custodian,
        uint32 attempt,
        uint16 untilDay,
        uint64 deadline
    ) internal pure returns (bytes32) {
        // Where the patient takes over there is no end, and the person signing reads none.
        bytes32 until = untilDay == 0 ? keccak256("") : IsoDates.hash(untilDay);
        return keccak256(abi.encode(RECOVERY, handle, custodian, attempt, until, deadline));
    }

    function recoveryVeto(bytes32 handle, uint32 attempt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECOVERY_VETO, handle, attempt));
    }
}
