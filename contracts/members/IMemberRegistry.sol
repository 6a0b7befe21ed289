// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Member, MemberStatus} from "./MemberTypes.sol";

/// @title The organisations that take part
/// @notice A member is known by `keccak256("system|value")` of its FHIR identifier. The council admits, suspends and
/// removes; operators, the accounts that send a member's transactions, are kept by the member itself.
///
/// Example: the council calls `admit(id, ROLE_CUSTODIAN | ROLE_REQUESTER | ROLE_REGISTRAR, operator, profile)`; from
/// then on `memberOf(operator)` is `id`, and `operator` may add further operators by `setOperator`.
interface IMemberRegistry {
    /// @notice A member was admitted, for the first time or again after removal.
    event MemberAdmitted(bytes32 indexed member, uint32 generation, uint16 roles);
    /// @notice A member may no longer act, save for adding evidence.
    event MemberSuspended(bytes32 indexed member);
    /// @notice A suspended member may act again.
    event MemberReinstated(bytes32 indexed member);
    /// @notice A member left for good; only a new admission, of a new generation, brings it back.
    event MemberRemoved(bytes32 indexed member);
    /// @notice The roles of a member are now `roles`.
    event RolesSet(bytes32 indexed member, uint16 roles);
    /// @notice An account began (`allowed`) or ceased to act for a member.
    event OperatorSet(bytes32 indexed member, address indexed operator, bool allowed);
    /// @notice A member published its endpoint and public keys, as JSON.
    event ProfileSet(bytes32 indexed member, uint32 generation, string profile);
    /// @notice A member joined a group that the council keeps.
    event GroupJoined(bytes32 indexed group, bytes32 indexed member);
    /// @notice A member left a group.
    event GroupLeft(bytes32 indexed group, bytes32 indexed member);

    /// @notice Zero is no member id.
    error MemberIdZero();
    /// @notice The act is not open to a member of this status.
    error MemberStatusInvalid(bytes32 member, MemberStatus status);
    /// @notice `roles` has bits that mean nothing.
    error MemberRolesUnknown(uint16 roles);
    /// @notice The member lacks the role `role`.
    error MemberRoleMissing(bytes32 member, uint16 role);
    /// @notice Zero is no operator.
    error MemberOperatorZero();
    /// @notice The account acts for no member.
    error MemberOperatorUnknown(address operator);
    /// @notice The account already acts for `member`; an account serves one member only.
    error MemberOperatorTaken(address operator, bytes32 member);
    /// @notice An operator does not remove itself, so that a member is never left without one.
    error MemberOperatorIsCaller(address operator);
    /// @notice A member has at most `maximum` operators.
    error MemberOperatorsFull(bytes32 member, uint256 maximum);
    /// @notice The member is in the group already.
    error MemberInGroup(bytes32 group, bytes32 member);
    /// @notice The member, in its present generation, is not in the group.
    error MemberNotInGroup(bytes32 group, bytes32 member);

    /// @notice Admits a member that is unknown or removed, with its first operator. Council only.
    /// @param member Its id, not zero.
    /// @param roles Bit set of roles.
    /// @param operator The first account to act for it; serves no other member.
    /// @param profile JSON with its endpoint and public keys, kept in the event only.
    function admit(bytes32 member, uint16 roles, address operator, string calldata profile) external;

    /// @notice Stops a live member at once. Council only.
    function suspend(bytes32 member) external;

    /// @notice Lets a suspended member act again. Council only.
    function reinstate(bytes32 member) external;

    /// @notice Ends a live or suspended member, and frees its operators. Council only.
    function remove(bytes32 member) external;

    /// @notice Replaces the roles of a live or suspended member. Council only.
    function setRoles(bytes32 member, uint16 roles) external;

    /// @notice Puts a live member into a group. Council only.
    function joinGroup(bytes32 group, bytes32 member) external;

    /// @notice Takes a member out of a group. Council only.
    function leaveGroup(bytes32 group, bytes32 member) external;

    /// @notice Adds or removes an operator of the caller's own member, which must be live. Not the caller itself.
    function setOperator(address operator, bool allowed) external;

    /// @notice Publishes a new profile of the caller's own member, which must be live.
    function setProfile(string calldata profile) external;

    /// @notice The member that an account acts for, zero if none. Such a member is live or suspended, never removed.
    function memberOf(address operator) external view returns (bytes32);

    /// @notice The accounts that act for a member, at most 16; none once it is removed.
    function operatorsOf(bytes32 member) external view returns (address[] memory);

    /// @notice All that is kept of a member; all zero if it was never admitted.
    function memberState(bytes32 member) external view returns (Member memory);

    /// @notice The live member that an account acts for in a given role.
    /// @dev Reverts with `MemberOperatorUnknown`, `MemberStatusInvalid` or `MemberRoleMissing`.
    function requireRole(address operator, uint16 role) external view returns (bytes32 member);

    /// @notice Block time at which a member's present generation joined a group; zero if it is not in it.
    function joinedAt(bytes32 group, bytes32 member) external view returns (uint64);
}
