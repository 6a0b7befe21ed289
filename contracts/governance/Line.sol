// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "./ILine.sol";

/// @title A contract that takes over from an earlier one
abstract contract Line is ILine {
    address[] internal _predecessors;

    constructor(address predecessor) {
        if (predecessor.code.length == 0) revert PredecessorMissing(predecessor);
        _predecessors.push(predecessor);
        // The first of the line has no such function.
        try ILine(predecessor).predecessors() returns (address[] memory older) {
            for (uint256 i = 0; i < older.length; ++i) _predecessors.push(older[i]);
        } catch {}
    }

    /// @inheritdoc ILine
    function predecessors() external view returns (address[] memory) {
        return _predecessors;
    }
}
