// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {IRecordDirectory} from "./IRecordDirectory.sol";
import {IRecordDirectorySuccessor} from "./IRecordDirectorySuccessor.sol";
import {RecordDirectory} from "./RecordDirectory.sol";

/// @title Pointers to records, and commitments to them, taken over from an earlier contract
contract RecordDirectorySuccessor is IRecordDirectorySuccessor, RecordDirectory, Line {
    IRecordDirectory private immutable _predecessor;

    constructor(
        IMemberRegistry members,
        IRecordDirectory predecessor
    ) RecordDirectory(members) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IRecordDirectorySuccessor
    function adopt(bytes32 custodian, bytes32[] calldata tags) external {
        _checkCount(tags.length);
        mapping(bytes32 tag => bytes32 commitment) storage own = _commitments[custodian];
        for (uint256 i = 0; i < tags.length; ++i) {
            bytes32 commitment = _predecessor.commitmentOf(custodian, tags[i]);
            if (own[tags[i]] != 0 || commitment == 0) continue;
            own[tags[i]] = commitment;
            emit RecordAdopted(custodian, tags[i], commitment);
        }
    }

    /// @inheritdoc IRecordDirectory
    function commitmentOf(
        bytes32 custodian,
        bytes32 tag
    ) external view override(IRecordDirectory, RecordDirectory) returns (bytes32) {
        bytes32 own = _commitments[custodian][tag];
        return own != 0 ? own : _predecessor.commitmentOf(custodian, tag);
    }

    /// @inheritdoc IRecordDirectorySuccessor
    function ownCommitmentOf(bytes32 custodian, bytes32 tag) external view returns (bytes32) {
        return _commitments[custodian][tag];
    }

    function _isTakenBefore(bytes32 custodian, bytes32 tag) internal view override returns (bool) {
        return _predecessor.commitmentOf(custodian, tag) != 0;
    }
}
