// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {IMemberRegistry} from "./IMemberRegistry.sol";

/// @title The organisations that take part, taken over from an earlier contract
/// @notice Does all that the member registry does, on top of what its predecessor holds.
///
/// A member is what it is at the predecessor, with generation, time of admission, roles, operators and groups, at every block
/// anew, until the council writes it here: by `adopt`, which changes nothing of it, or by any other act about it. Until
/// then its operators change at the predecessor. A group's member is written by the first `joinGroup` or `leaveGroup` here.
///
/// A member that is written here the predecessor only narrows: it stands no better here than in the same or a later
/// generation there. So a suspension counts at once at whichever of the two it is made, and a reinstatement where both
/// have one. An admission here is of a later generation than any before it, and no time of admission or joining
/// becomes an earlier one.
///
/// The functions for the council have to be bound to its roles at the `AccessManager`, as those of the predecessor are:
/// before, they are the administrator's.
///
/// Example: a member of generation 2 is live at the predecessor. `adopt([member])` keeps it so. The council suspends it at
/// the predecessor: here it is suspended in the same block.
interface IMemberRegistrySuccessor is IMemberRegistry, ILine {
    /// @notice A member was taken over from the predecessor as it stands there.
    event MemberAdopted(bytes32 indexed member, uint32 generation, uint16 roles);

    /// @notice The council has not taken the member over yet: its operators change at the predecessor.
    error MemberNotTakenOver(bytes32 member);

    /// @notice Takes over members, with their operators, as they stand at the predecessor. Council only. A member that was
    /// taken over before is passed over.
    /// @dev Reverts with `MemberStatusInvalid` for one that was never admitted.
    function adopt(bytes32[] calldata members) external;

    /// @notice Whether the council has written a member here; else it is what it is at the predecessor.
    function isTakenOver(bytes32 member) external view returns (bool);
}
