// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "./IMemberRegistry.sol";
import {IMemberRegistrySuccessor} from "./IMemberRegistrySuccessor.sol";
import {MemberRegistry} from "./MemberRegistry.sol";
import {Member, MemberStatus} from "./MemberTypes.sol";

/// @title The organisations that take part, taken over from an earlier contract
/// @dev The predecessor is asked at every read, so that a suspension there counts here in the same block.
contract MemberRegistrySuccessor is IMemberRegistrySuccessor, MemberRegistry, Line {
    IMemberRegistry private immutable _predecessor;

    constructor(
        address authority,
        IMemberRegistry predecessor
    ) MemberRegistry(authority) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IMemberRegistrySuccessor
    function adopt(bytes32[] calldata members) external restricted {
        for (uint256 i = 0; i < members.length; ++i) {
            MemberStatus status = _stateOf(members[i]).status;
            if (status == MemberStatus.None) revert MemberStatusInvalid(members[i], status);
            _takeOver(members[i]);
        }
    }

    /// @inheritdoc IMemberRegistrySuccessor
    function isTakenOver(bytes32 member) public view returns (bool) {
        return _members[member].status != MemberStatus.None;
    }

    /// @inheritdoc IMemberRegistry
    function memberOf(
        address operator
    ) public view override(IMemberRegistry, MemberRegistry) returns (bytes32 member) {
        member = _memberOf[operator];
        // One that the predecessor removed since has no operators any more.
        if (member != 0 && _isStanding(_stateOf(member))) return member;
        member = _predecessor.memberOf(operator);
        if (isTakenOver(member)) return 0;
    }

    /// @inheritdoc IMemberRegistry
    function operatorsOf(
        bytes32 member
    ) external view override(IMemberRegistry, MemberRegistry) returns (address[] memory operators) {
        if (!isTakenOver(member)) return _predecessor.operatorsOf(member);
        if (_isStanding(_stateOf(member))) operators = _operators[member];
    }

    /// @inheritdoc IMemberRegistry
    function joinedAt(
        bytes32 group,
        bytes32 member
    ) public view override(IMemberRegistry, MemberRegistry) returns (uint64) {
        if (_joinings[group][member].generation != 0) return super.joinedAt(group, member);
        Member memory state = _stateOf(member);
        bool same = _predecessor.memberState(member).generation == state.generation;
        return same && _isStanding(state) ? _predecessor.joinedAt(group, member) : 0;
    }

    /// @dev A member of an earlier generation than there is one that the council has ended there.
    function _stateOf(bytes32 member) internal view override returns (Member memory own) {
        own = super._stateOf(member);
        Member memory older = _predecessor.memberState(member);
        if (own.status == MemberStatus.None) return older;
        if (older.generation < own.generation) return own;
        if (older.generation > own.generation) {
            (own.status, own.generation) = (MemberStatus.Removed, older.generation);
        } else if (older.status > own.status) {
            own.status = older.status;
        }
    }

    function _takeOver(bytes32 member) internal override {
        Member memory state = _stateOf(member);
        if (isTakenOver(member)) {
            // Of one that the predecessor removed since.
            if (!_isStanding(state)) _freeOperators(member);
            return;
        }
        if (state.status == MemberStatus.None) return;
        _members[member] = state;
        emit MemberAdopted(member, state.generation, state.roles);
        address[] memory operators = _predecessor.operatorsOf(member);
        for (uint256 i = 0; i < operators.length; ++i) {
            // An account serves one member only: the one that named it here.
            if (memberOf(operators[i]) != 0) continue;
            _memberOf[operators[i]] = member;
            _operators[member].push(operators[i]);
            emit OperatorSet(member, operators[i], true);
        }
    }

    function _requireTakenOver(bytes32 member) internal view override {
        if (!isTakenOver(member)) revert MemberNotTakenOver(member);
    }
}
