// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IsoDates} from "../patients/IsoDates.sol";
import {Grant, Objection, Renewal, Revocation, RevocationItem, RevocationList, Withdrawal} from "./ConsentTypes.sol";

/// @title EIP-712 struct hashes of what is signed for the ConsentRegistry
library ConsentHashes {
    bytes32 private constant GRANT = keccak256(
        "Grant(bytes32 handle,Scope scope,Terms terms,string from,string until,bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint24 version,uint32 epoch,uint64 deadline)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)"
    );
    bytes32 private constant RENEWAL = keccak256(
        "Renewal(bytes32 handle,Scope scope,Terms terms,string until,uint24 version,uint32 epoch,uint64 deadline)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)"
    );
    bytes32 private constant REVOCATION = keccak256(
        "Revocation(bytes32 handle,Scope scope,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );
    bytes32 private constant REVOCATION_ITEM = keccak256(
        "RevocationItem(Scope scope,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );
    bytes32 private constant REVOCATION_LIST = keccak256(
        "RevocationList(bytes32 handle,RevocationItem[] items)"
        "RevocationItem(Scope scope,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );
    bytes32 private constant OBJECTION = keccak256(
        "Objection(bytes32 handle,Scope scope,Terms terms,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)"
    );
    bytes32 private constant WITHDRAWAL = keccak256(
        "Withdrawal(bytes32 handle,Scope scope,uint24 version,uint32 epoch,uint64 deadline)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );
    bytes32 private constant APPROVAL = keccak256("Approval(bytes32 grant,uint64 deadline)");

    /// @dev Days are signed as dates and flags as one yes or no each, so that whoever signs reads what they mean.
    function grant(Grant calldata g) internal pure returns (bytes32 structHash) {
        uint256 flags = g.flags;
        bytes32[13] memory words = [
            GRANT,
            g.handle,
            g.scope,
            g.terms,
            IsoDates.hash(g.fromDay),
            IsoDates.hash(g.untilDay),
            bytes32(flags & 1),
            bytes32((flags >> 1) & 1),
            bytes32((flags >> 2) & 1),
            bytes32((flags >> 3) & 1),
            bytes32(uint256(g.version)),
            bytes32(uint256(g.epoch)),
            bytes32(uint256(g.deadline))
        ];
        // As keccak256(abi.encode(words)), without the copy.
        assembly ("memory-safe") {
            structHash := keccak256(words, 416)
        }
    }

    function renewal(Renewal calldata r) internal pure returns (bytes32) {
        bytes32 until = IsoDates.hash(r.untilDay);
        return keccak256(
            abi.encode(RENEWAL, r.handle, r.scope, r.terms, until, r.version, r.epoch, r.deadline)
        );
    }

    function revocation(Revocation calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(REVOCATION, r));
    }

    function revocationList(RevocationList calldata r) internal pure returns (bytes32) {
        bytes32[] memory items = new bytes32[](r.items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            RevocationItem calldata item = r.items[i];
            items[i] = keccak256(abi.encode(REVOCATION_ITEM, item.scope, item.upToVersion));
        }
        return keccak256(abi.encode(REVOCATION_LIST, r.handle, keccak256(abi.encodePacked(items))));
    }

    function objection(Objection calldata o) internal pure returns (bytes32) {
        return keccak256(abi.encode(OBJECTION, o));
    }

    function withdrawal(Withdrawal calldata w) internal pure returns (bytes32) {
        return keccak256(abi.encode(WITHDRAWAL, w));
    }

    function approval(bytes32 grant_, uint64 deadline) internal pure returns (bytes32) {
        return keccak256(abi.encode(APPROVAL, grant_, deadline));
    }
}
