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

    mapping(bytes32 member => Member) private _members;
    /// @dev Holds an account only while its member is live or suspended: removal clears it. One read therefore tells
    /// whom an account acts for, and operators of an older generation are gone rather than filtered out.
    mapping(address operator => bytes32 member) private _memberOf;
    mapping(bytes32 member => address[]) private _operators;
    mapping(bytes32 group => mapping(bytes32 member => Joining)) private _joinings;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IMemberRegistry
    function admit(bytes32 member, uint16 roles, address operator, string calldata profile) external restricted {
        if (member == 0) revert MemberIdZero();
        Member memory state = _members[member];
        if (state.status != MemberStatus.None && state.status != MemberStatus.Removed) {
            revert MemberStatusInvalid(member, state.status);
        }
        _checkRoles(roles);

        uint32 generation = state.generation + 1;
        _members[member] = Member(MemberStatus.Live, generation, uint64(block.timestamp), roles);
        emit MemberAdmitted(member, generation, roles);
        _addOperator(member, operator);
        emit ProfileSet(member, generation, profile);
    }

    /// @inheritdoc IMemberRegistry
    function suspend(bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Live);
        _members[member].status = MemberStatus.Suspended;
        emit MemberSuspended(member);
    }

    /// @inheritdoc IMemberRegistry
    function reinstate(bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Suspended);
        _members[member].status = MemberStatus.Live;
        emit MemberReinstated(member);
    }

    /// @inheritdoc IMemberRegistry
    function remove(bytes32 member) external restricted {
        _requireStanding(member);
        _members[member].status = MemberStatus.Removed;
        address[] storage operators = _operators[member];
        while (operators.length != 0) {
            address operator = operators[operators.length - 1];
            operators.pop();
            delete _memberOf[operator];
            emit OperatorSet(member, operator, false);
        }
        emit MemberRemoved(member);
    }

    /// @inheritdoc IMemberRegistry
    function setRoles(bytes32 member, uint16 roles) external restricted {
        _requireStanding(member);
        _checkRoles(roles);
        _members[member].roles = roles;
        emit RolesSet(member, roles);
    }

    /// @inheritdoc IMemberRegistry
    function joinGroup(bytes32 group, bytes32 member) external restricted {
        _requireStatus(member, MemberStatus.Live);
        if (joinedAt(group, member) != 0) revert MemberInGroup(group, member);
        _joinings[group][member] = Joining(_members[member].generation, uint64(block.timestamp));
        emit GroupJoined(group, member);
    }

    /// @inheritdoc IMemberRegistry
    function leaveGroup(bytes32 group, bytes32 member) external restricted {
        if (joinedAt(group, member) == 0) revert MemberNotInGroup(group, member);
        delete _joinings[group][member];
        emit GroupLeft(group, member);
    }

    /// @inheritdoc IMemberRegistry
    function setOperator(address operator, bool allowed) external {
        bytes32 member = _requireLiveOperator(msg.sender);
        if (allowed) {
            _addOperator(member, operator);
        } else {
            _removeOperator(member, operator);
        }
    }

    /// @inheritdoc IMemberRegistry
    function setProfile(string calldata profile) external {
        bytes32 member = _requireLiveOperator(msg.sender);
        emit ProfileSet(member, _members[member].generation, profile);
    }

    /// @inheritdoc IMemberRegistry
    function memberOf(address operator) external view returns (bytes32) {
        return _memberOf[operator];
    }

    /// @inheritdoc IMemberRegistry
    function memberState(bytes32 member) external view returns (Member memory) {
        return _members[member];
    }

    /// @inheritdoc IMemberRegistry
    function requireRole(address operator, uint16 role) external view returns (bytes32 member) {
        member = _requireLiveOperator(operator);
        if (_members[member].roles & role != role) revert MemberRoleMissing(member, role);
    }

    /// @inheritdoc IMemberRegistry
    function joinedAt(bytes32 group, bytes32 member) public view returns (uint64) {
        Joining memory joining = _joinings[group][member];
        Member memory state = _members[member];
        bool standing = state.status == MemberStatus.Live || state.status == MemberStatus.Suspended;
        return standing && joining.generation == state.generation ? joining.joinedAt : 0;
    }

    function _addOperator(bytes32 member, address operator) private {
        if (operator == address(0)) revert MemberOperatorZero();
        bytes32 taken = _memberOf[operator];
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

    function _requireLiveOperator(address operator) private view returns (bytes32 member) {
        member = _memberOf[operator];
        if (member == 0) revert MemberOperatorUnknown(operator);
        _requireStatus(member, MemberStatus.Live);
    }

    function _requireStatus(bytes32 member, MemberStatus wanted) private view {
        MemberStatus status = _members[member].status;
        if (status != wanted) revert MemberStatusInvalid(member, status);
    }

    function _requireStanding(bytes32 member) private view {
        MemberStatus status = _members[member].status;
        if (status != MemberStatus.Live && status != MemberStatus.Suspended) {
            revert MemberStatusInvalid(member, status);
        }
    }

    function _checkRoles(uint16 roles) private pure {
        if (roles & ~ALL_ROLES != 0) revert MemberRolesUnknown(roles);
    }
}
