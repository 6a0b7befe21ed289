// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract that takes over from an earlier one
interface ILine {
    /// @notice There is no contract at the predecessor's address.
    error PredecessorMissing(address predecessor);

    /// @notice The contracts that came before this one, the youngest first.
    function predecessors() external view returns (address[] memory);
}
