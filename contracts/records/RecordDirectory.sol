// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_CUSTODIAN} from "../members/MemberTypes.sol";
import {IRecordDirectory} from "./IRecordDirectory.sol";

/// @title Pointers to records, and commitments to them
contract RecordDirectory is IRecordDirectory {
    /// @dev 200 entries take about 6 million gas, well below the 16,777,216 that EIP-7825 leaves a transaction.
    uint256 private constant MAX_ENTRIES = 200;
    /// @dev All pointers have one length, so that it tells nothing.
    uint256 private constant POINTER_BYTES = 160;

    IMemberRegistry private immutable _members;

    mapping(bytes32 custodian => mapping(bytes32 tag => bytes32 commitment)) internal _commitments;

    constructor(IMemberRegistry members) {
        _members = members;
    }

    /// @inheritdoc IRecordDirectory
    function register(bytes32[] calldata tags, bytes32[] calldata commitments, bytes calldata pointers) external {
        bytes32 custodian = _members.requireRole(msg.sender, ROLE_CUSTODIAN);
        uint256 count = tags.length;
        _checkCount(count);
        if (commitments.length != count) revert RecordCommitmentsMismatch(count, commitments.length);
        if (pointers.length != count * POINTER_BYTES) {
            revert RecordPointersMismatch(pointers.length, count * POINTER_BYTES);
        }

        mapping(bytes32 tag => bytes32 commitment) storage own = _commitments[custodian];
        for (uint256 i = 0; i < count; ++i) {
            bytes32 tag = tags[i];
            bytes32 commitment = commitments[i];
            if (commitment == 0) revert RecordCommitmentZero(i);
            if (own[tag] != 0 || _isTakenBefore(custodian, tag)) {
                emit TagTaken(custodian, tag);
                continue;
            }
            own[tag] = commitment;
            bytes calldata pointer = pointers[i * POINTER_BYTES:(i + 1) * POINTER_BYTES];
            emit RecordRegistered(custodian, tag, commitment, pointer);
        }
    }

    /// @inheritdoc IRecordDirectory
    function commitmentOf(bytes32 custodian, bytes32 tag) external view virtual returns (bytes32) {
        return _commitments[custodian][tag];
    }

    /// @dev Whether the tag has a commitment elsewhere. A directory that takes over from this one looks further here.
    function _isTakenBefore(bytes32, bytes32) internal view virtual returns (bool) {
        return false;
    }

    function _checkCount(uint256 count) internal pure {
        if (count == 0 || count > MAX_ENTRIES) revert RecordCountInvalid(count, MAX_ENTRIES);
    }
}
