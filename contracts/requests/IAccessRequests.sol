// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Where a request stands.
enum RequestStatus {
    None,
    Requested,
    Closed,
    Lapsed
}

/// @notice A request, which says nothing of whom it concerns.
/// @param status Where it stands.
/// @param deadline Block time, in seconds, from which on it is closed.
/// @param requester The member that asks.
struct Request {
    RequestStatus status;
    uint64 deadline;
    bytes32 requester;
}

/// @title Requests for access
/// @notice A request is a commitment, `keccak256(abi.encode(custodian, inner))`, where `inner` is a salted hash of what
/// is asked for and is told to the custodian only. The custodian closes every request at its deadline, not before, with
/// a salted outcome: granted, refused, unknown patient and silence look and time alike. A consent that a patient gave
/// in answer goes to the ConsentRegistry on its own, which names no request; its grant may carry this deadline.
///
/// Example: `open(commitment, t)` by B; at t or later A sends `close(inner, outcome)`, which finds the commitment.
interface IAccessRequests {
    /// @notice A member asks.
    event RequestOpened(bytes32 indexed commitment, bytes32 indexed requester, uint64 deadline);
    /// @notice The custodian answered, in the one way that there is.
    event RequestClosed(bytes32 indexed commitment, bytes32 indexed custodian, bytes32 outcome);
    /// @notice No custodian answered for a day after the deadline.
    event RequestLapsed(bytes32 indexed commitment);

    /// @notice The commitment was used before.
    error RequestTaken(bytes32 commitment);
    /// @notice The deadline is not after the block, or more than 30 days after it.
    error RequestDeadlineInvalid(uint64 deadline, uint256 earliest, uint256 latest);
    /// @notice The request is not open: unknown, of another custodian, closed or lapsed.
    error RequestNotOpen(bytes32 commitment, RequestStatus status);
    /// @notice It is not time yet.
    error RequestTooEarly(bytes32 commitment, uint256 from, uint256 blockTime);
    /// @notice Zero is no outcome.
    error RequestOutcomeZero(bytes32 commitment);

    /// @notice Opens a request. Sent by a live member with the requester role.
    function open(bytes32 commitment, uint64 deadline) external;

    /// @notice Closes a request at its deadline or later. Sent by the custodian that the commitment names, live.
    /// @param inner What the commitment holds beside the custodian.
    /// @param outcome Salted hash of the outcome, not zero.
    function close(bytes32 inner, bytes32 outcome) external;

    /// @notice Ends a request that nobody closed for a day after its deadline. Sent by anybody.
    function lapse(bytes32 commitment) external;

    /// @notice A request, all zero if there is none.
    function requestOf(bytes32 commitment) external view returns (Request memory);
}
