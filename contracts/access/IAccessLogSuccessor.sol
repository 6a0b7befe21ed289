// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {IAccessLog} from "./IAccessLog.sol";

/// @title Anchors of members' access logs, taken over from an earlier contract
/// @notice Does all that the access log does, on top of what its predecessor holds. A member's first window here follows its
/// last one at the predecessor, in number and in time, so there is neither gap nor overlap; the member changes over with
/// it. Roots of earlier windows stay at the predecessor and are found there.
///
/// A window that the member anchors at the predecessor afterwards counts for nothing here: its number is, or will be,
/// another window's. That it is there is told by `hasForked`, to whoever wants to ask the member why.
///
/// Example: a member's last window at the predecessor is 41, up to t. Here `lastWindow` says so, `anchor(42, u, root)`
/// covers t to u, and `rootOf(member, 41)` is the predecessor's.
interface IAccessLogSuccessor is IAccessLog, ILine {
    /// @notice The number of the last window of a member that counts at the predecessor: of the last one there until the
    /// member has anchored one here, of the one before that afterwards.
    function takenOver(bytes32 member) external view returns (uint64 number);

    /// @notice Whether the member anchored windows at the predecessor after its first one here.
    function hasForked(bytes32 member) external view returns (bool);
}
