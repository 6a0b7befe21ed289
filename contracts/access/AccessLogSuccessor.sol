// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {AccessLog} from "./AccessLog.sol";
import {IAccessLog} from "./IAccessLog.sol";
import {IAccessLogSuccessor} from "./IAccessLogSuccessor.sol";

/// @title Anchors of members' access logs, taken over from an earlier contract
contract AccessLogSuccessor is IAccessLogSuccessor, AccessLog, Line {
    IAccessLog private immutable _predecessor;

    /// @dev Of members that have anchored a window here.
    mapping(bytes32 member => uint64 number) private _takenOver;

    constructor(IMemberRegistry members, IAccessLog predecessor) AccessLog(members) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IAccessLog
    function lastWindow(
        bytes32 member
    ) external view override(IAccessLog, AccessLog) returns (uint64 number, uint64 until) {
        if (!_hasBegun(member)) return _predecessor.lastWindow(member);
        Window memory last = _last[member];
        return (last.number, last.until);
    }

    /// @inheritdoc IAccessLog
    function rootOf(
        bytes32 member,
        uint64 number
    ) public view override(IAccessLog, AccessLog) returns (bytes32) {
        bool older = !_hasBegun(member) || number <= _takenOver[member];
        return older ? _predecessor.rootOf(member, number) : _roots[member][number];
    }

    /// @inheritdoc IAccessLogSuccessor
    function takenOver(bytes32 member) public view returns (uint64 number) {
        if (_hasBegun(member)) return _takenOver[member];
        (number, ) = _predecessor.lastWindow(member);
    }

    /// @inheritdoc IAccessLogSuccessor
    function hasForked(bytes32 member) external view returns (bool) {
        (uint64 number, ) = _predecessor.lastWindow(member);
        return number != takenOver(member);
    }

    function _lastToFollow(bytes32 member) internal override returns (Window memory last) {
        if (_hasBegun(member)) return _last[member];
        (last.number, last.until) = _predecessor.lastWindow(member);
        _takenOver[member] = last.number;
    }

    function _hasBegun(bytes32 member) private view returns (bool) {
        return _last[member].number != 0;
    }
}
