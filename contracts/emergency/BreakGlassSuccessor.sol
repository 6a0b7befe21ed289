// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {BreakGlass} from "./BreakGlass.sol";
import {Case, CaseStatus, IBreakGlass} from "./IBreakGlass.sol";

/// @title Emergencies, taken over from an earlier contract
/// @notice Does all that the contract of emergencies does, on top of what its predecessor holds. A case that is not kept here
/// stands as it does at the predecessor: a commitment that was used there is not declared anew, and what was declared
/// there is reviewed or escalated here. From then on it is this contract's. Cases that a member declared at the
/// predecessor on a day count towards its quota here.
contract BreakGlassSuccessor is BreakGlass, Line {
    IBreakGlass private immutable _predecessor;

    constructor(
        IMemberRegistry members,
        uint256 quota,
        IBreakGlass predecessor
    ) BreakGlass(members, quota) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IBreakGlass
    function caseOf(bytes32 commitment) external view override returns (Case memory) {
        Case memory own = _cases[commitment];
        return own.status != CaseStatus.None ? own : _predecessor.caseOf(commitment);
    }

    function _slotOf(bytes32 commitment) internal override returns (Case storage slot) {
        slot = _cases[commitment];
        if (slot.status == CaseStatus.None) _cases[commitment] = _predecessor.caseOf(commitment);
    }

    function _usedOn(bytes32 member, uint256 day) internal view override returns (uint256) {
        (uint256 older, ) = _predecessor.quotaOf(member, day);
        return super._usedOn(member, day) + older;
    }
}
