// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where a member stands. Only `Live` members act; a `Suspended` one may still add evidence.
enum MemberStatus {
    None,
    Live,
    Suspended,
    Removed
}

/// @notice A member organisation, in one storage slot.
/// @param status Where it stands.
/// @param generation Counts admissions, from 1. What was granted to an earlier generation does not revive.
/// @param admittedAt Block time of the admission of this generation, in seconds.
/// @param roles Bit set of the `ROLE_` constants.
struct Member {
    MemberStatus status;
    uint32 generation;
    uint64 admittedAt;
    uint16 roles;
}

/// @dev Holds records and answers for their release.
uint16 constant ROLE_CUSTODIAN = 1;
/// @dev Asks other members for records.
uint16 constant ROLE_REQUESTER = 2;
/// @dev Binds patients' handles to their signers.
uint16 constant ROLE_REGISTRAR = 4;
/// @dev Carries patients' signed acts to the chain.
uint16 constant ROLE_RELAYER = 8;
/// @dev Reads evidence.
uint16 constant ROLE_AUDITOR = 16;
/// @dev May declare an emergency.
uint16 constant ROLE_EMERGENCY = 32;
/// @dev Every role there is; other bits are refused.
uint16 constant ALL_ROLES = 63;
