// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IMemberRegistry} from "./IMemberRegistry.sol";
import {ALL_ROLES, Member, MemberStatus} from "./MemberTypes.sol";

/// @title The organisations that take part
contract MemberRegistry is IMemberRegistry, AccessManaged {
    struct Joining {
        uint32 generation;
        uint64 joinedAt;
    }

    /// @dev Bounds the loop that frees the operators of a removed member.
    uint256 private constant MAX_OPERATORS = 16;

    mapping(bytes32 member => Member) internal _members;
    /// @dev Holds an account only while its member is live or suspended: removal clears it. One read therefore tells
    /// whom an account acts for, and operators of an older generation are gone rather than filtered out.
    mapping(address operator => bytes32 member) internal _memberOf;
    mapping(bytes32 member => address[]) internal _operators;
    mapping(bytes32 group => mapping(bytes32 member => Joining)) internal _joinings;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IMemberRegistry
    function admit(bytes32 member, uint16 roles, address operator, string calldata profile) external restricted {
        if (member == 0) revert MemberIdZero();
        Member memory state = _stateOf(member);
        if (state.status != MemberStatus.None && state.status != MemberStatus.Removed) {
            revert MemberStatusInvalid(member, state.status);
        }
        _checkRoles(roles);

        _takeOver(member);
        uint32 generation = state.generation + 1;
        _members[member] = Member(MemberStatus.Live, generation, uint64(block.timestamp), roles);
        emit MemberAdmitted(member, generation, roles);
        _addOperator(member, operator);
        emit ProfileSet(member, generation, profile);
    }

    /// @inheritdoc IMemberRegistry
    function suspend(bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Live);
        _takeOver(member);
        _members[member].status = MemberStatus.Suspended;
        emit MemberSuspended(member);
    }

    /// @inheritdoc IMemberRegistry
    function reinstate(bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Suspended);
        _takeOver(member);
        _members[member].status = MemberStatus.Live;
        // Not where it is suspended at the predecessor, too.
        _requireStatus(member, MemberStatus.Live);
        emit MemberReinstated(member);
    }

    /// @inheritdoc IMemberRegistry
    function remove(bytes32 member) external restricted {
        _requireStanding(member);
        _takeOver(member);
        _members[member].status = MemberStatus.Removed;
        _freeOperators(member);
        emit MemberRemoved(member);
    }

    /// @inheritdoc IMemberRegistry
    function setRoles(bytes32 member, uint16 roles) external restricted {
        _requireStanding(member);
        _checkRoles(roles);
        _takeOver(member);
        _members[member].roles = roles;
        emit RolesSet(member, roles);
    }

    /// @inheritdoc IMemberRegistry
    function joinGroup(bytes32 group, bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Live);
        if (joinedAt(group, member) != 0) revert MemberInGroup(group, member);
        _joinings[group][member] = Joining(_stateOf(member).generation, uint64(block.timestamp));
        emit GroupJoined(group, member);
    }

    /// @inheritdoc IMemberRegistry
    function leaveGroup(bytes32 group, bytes32 member) external restricted {
        if (joinedAt(group, member) == 0) revert MemberNotInGroup(group, member);
        _joinings[group][member] = Joining(_stateOf(member).generation, 0);
        emit GroupLeft(group, member);
    }

    /// @inheritdoc IMemberRegistry
    function setOperator(address operator, bool allowed) external {
        (bytes32 member, ) = _requireLiveOperator(msg.sender);
        _requireTakenOver(member);
        if (allowed) {
            _addOperator(member, operator);
        } else {
            _removeOperator(member, operator);
        }
    }

    /// @inheritdoc IMemberRegistry
    function setProfile(string calldata profile) external {
        (bytes32 member, Member memory state) = _requireLiveOperator(msg.sender);
        emit ProfileSet(member, state.generation, profile);
    }

    /// @inheritdoc IMemberRegistry
    function memberOf(address operator) public view virtual returns (bytes32) {
        return _memberOf[operator];
    }

    /// @inheritdoc IMemberRegistry
    function memberState(bytes32 member) external view returns (Member memory) {
        return _stateOf(member);
    }

    /// @inheritdoc IMemberRegistry
    function operatorsOf(bytes32 member) external view virtual returns (address[] memory) {
        return _operators[member];
    }

    /// @inheritdoc IMemberRegistry
    function requireRole(address operator, uint16 role) external view returns (bytes32 member) {
        Member memory state;
        (member, state) = _requireLiveOperator(operator);
        if (state.roles & role != role) revert MemberRoleMissing(member, role);
    }

    /// @inheritdoc IMemberRegistry
    function joinedAt(bytes32 group, bytes32 member) public view virtual returns (uint64) {
        Joining memory joining = _joinings[group][member];
        Member memory state = _stateOf(member);
        return _isStanding(state) && joining.generation == state.generation ? joining.joinedAt : 0;
    }

    // What a registry that takes over from this one looks further for, and how it goes on from there.

    function _stateOf(bytes32 member) internal view virtual returns (Member memory) {
        return _members[member];
    }

    /// @dev Called before anything of a member is written.
    function _takeOver(bytes32 member) internal virtual {}

    /// @dev Called before a member writes anything of itself.
    function _requireTakenOver(bytes32 member) internal view virtual {}

    function _isStanding(Member memory state) internal pure returns (bool) {
        return state.status == MemberStatus.Live || state.status == MemberStatus.Suspended;
    }

    function _freeOperators(bytes32 member) internal {
        address[] storage operators = _operators[member];
        while (operators.length != 0) {
            address operator = operators[operators.length - 1];
            operators.pop();
            if (_memberOf[operator] == member) delete _memberOf[operator];
            emit OperatorSet(member, operator, false);
        }
    }

    function _addOperator(bytes32 member, address operator) private {
        if (operator == address(0)) revert MemberOperatorZero();
        bytes32 taken = memberOf(operator);
        if (taken != 0) revert MemberOperatorTaken(operator, taken);
        address[] storage operators = _operators[member];
        if (operators.length == MAX_OPERATORS) revert MemberOperatorsFull(member, MAX_OPERATORS);
        operators.push(operator);
        _memberOf[operator] = member;
        emit OperatorSet(member, operator, true);
    }

    function _removeOperator(bytes32 member, address operator) private {
        if (operator == msg.sender) revert MemberOperatorIsCaller(operator);
        if (_memberOf[operator] != member) revert MemberOperatorUnknown(operator);
        delete _memberOf[operator];
        address[] storage operators = _operators[member];
        uint256 last = operators.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (operators[i] == operator) {
                operators[i] = operators[last];
                break;
            }
        }
        operators.pop();
        emit OperatorSet(member, operator, false);
    }

    function _requireLiveOperator(
        address operator
    ) private view returns (bytes32 member, Member memory state) {
        member = memberOf(operator);
        if (member == 0) revert MemberOperatorUnknown(operator);
        state = _stateOf(member);
        if (state.status != MemberStatus.Live) revert MemberStatusInvalid(member, state.status);
    }

    function _requireStatus(bytes32 member, MemberStatus wanted) private view {
        MemberStatus status = _stateOf(member).status;
        if (status != wanted) revert MemberStatusInvalid(member, status);
    }

    function _requireStanding(bytes32 member) private view {
        Member memory state = _stateOf(member);
        if (!_isStanding(state)) revert MemberStatusInvalid(member, state.status);
    }

    function _checkRoles(uint16 roles) private pure {
        if (roles & ~ALL_ROLES != 0) revert MemberRolesUnknown(roles);
    }
}
