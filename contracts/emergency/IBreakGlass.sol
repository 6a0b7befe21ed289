// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where a case stands.
enum CaseStatus {
    None,
    Declared,
    Reviewed,
    Escalated
}

/// @notice An emergency, which says nothing of whom it concerns.
/// @param status Where it stands.
/// @param declaredAt Block time of its declaration, in seconds.
/// @param until Its end, in seconds.
/// @param member The member that declared it.
struct Case {
    CaseStatus status;
    uint64 declaredAt;
    uint64 until;
    bytes32 member;
}

/// @title Emergencies
/// @notice A case is a commitment, `keccak256(abi.encode(custodian, inner))`, where `inner` is a salted hash of the
/// emergency and is told to the custodian only. It ends within 24 hours; the custodian reviews it, with a salted
/// outcome, and anybody escalates what was not reviewed for 72 hours. A patient's switching off lies in the handle's
/// word (`IPatientRegistry.switchBreakGlassOff`), which the custodian reads before it releases anything.
interface IBreakGlass {
    /// @notice A member declared an emergency.
    event CaseDeclared(bytes32 indexed commitment, bytes32 indexed member, uint64 until);
    /// @notice The custodian reviewed it, late or in time.
    event CaseReviewed(bytes32 indexed commitment, bytes32 indexed custodian, bytes32 outcome);
    /// @notice It was not reviewed in time.
    event CaseEscalated(bytes32 indexed commitment);

    /// @notice The commitment was used before.
    error CaseTaken(bytes32 commitment);
    /// @notice The end is not after the block, or more than 24 hours after it.
    error CaseEndInvalid(uint64 until, uint256 earliest, uint256 latest);
    /// @notice The member has declared as many as it may on one day.
    error CaseQuotaSpent(bytes32 member, uint256 day, uint256 quota);
    /// @notice The act is not open to a case that stands so.
    error CaseStatusInvalid(bytes32 commitment, CaseStatus status);
    /// @notice The case has time to be reviewed until then.
    error CaseTooEarly(bytes32 commitment, uint256 from, uint256 blockTime);
    /// @notice Zero is no outcome.
    error CaseOutcomeZero(bytes32 commitment);

    /// @notice Declares an emergency. Sent by a live member with the emergency role, within its quota.
    function declare(bytes32 commitment, uint64 until) external;

    /// @notice Reviews a case. Sent by the custodian that the commitment names, live.
    function review(bytes32 inner, bytes32 outcome) external;

    /// @notice Escalates a case that was not reviewed for 72 hours. Sent by anybody.
    function escalate(bytes32 commitment) external;

    /// @notice A case, all zero if there is none.
    function caseOf(bytes32 commitment) external view returns (Case memory);

    /// @notice How many cases a member declared on a day, counted from 1970-01-01 UTC, and how many it may.
    function quotaOf(bytes32 member, uint256 day) external view returns (uint256 used, uint256 quota);
}
