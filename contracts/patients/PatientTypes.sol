// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bounds} from "./Rights.sol";

/// @notice Appoints a delegate, or gives one other bounds.
/// @param handle The patient at one custodian.
/// @param delegate keccak256 of the delegate's signer.
/// @param bounds What it may do, and until when.
/// @param version Exactly one more than this delegation's.
/// @param epoch Exactly the handle's.
/// @param deadline Last block time, in seconds, at which the signature counts.
struct Delegation {
    bytes32 handle;
    bytes32 delegate;
    Bounds bounds;
    uint24 version;
    uint32 epoch;
    uint64 deadline;
}

/// @notice A recovery, as it stands or as it last stood.
/// @param newSigner keccak256 of the key that takes over.
/// @param startedAt Block time of its start, in seconds.
/// @param readyAt Block time from which on it can be completed.
/// @param attempt Counts the starts, so that each has its own signatures.
/// @param untilDay The last day of a guardian who takes over; zero where the patient does.
struct Recovery {
    bytes32 newSigner;
    uint64 startedAt;
    uint64 readyAt;
    uint32 attempt;
    uint16 untilDay;
}
