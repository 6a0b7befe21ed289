// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {IRecordDirectory} from "./IRecordDirectory.sol";

/// @title Pointers to records, and commitments to them, taken over from an earlier contract
/// @notice Does all that the record directory does, on top of what its predecessor holds. A tag that has no commitment here
/// has the predecessor's; `adopt` writes that down. A tag that either has is taken: `register` skips and reports it, so
/// no commitment is ever overwritten. Once one is written here, nothing that happens at the predecessor changes it.
///
/// Pointers stay in the predecessor's events, sealed for the predecessor's address: whoever opens one names the contract
/// that it was registered at, so readers try the contracts of the line.
///
/// Example: a tag was registered at the predecessor. `commitmentOf` here says the same, `register` here emits `TagTaken`,
/// and `adopt(custodian, [tag])` keeps the commitment.
interface IRecordDirectorySuccessor is IRecordDirectory, ILine {
    /// @notice A commitment was taken over from the predecessor.
    event RecordAdopted(bytes32 indexed custodian, bytes32 indexed tag, bytes32 commitment);

    /// @notice Writes down the predecessor's commitments under a custodian's tags, 1 to 200. Sent by anybody, as often as
    /// one likes: a tag that has a commitment here, or none there, is passed over.
    function adopt(bytes32 custodian, bytes32[] calldata tags) external;

    /// @notice What has been written here under a custodian's tag; zero where the predecessor's commitment counts.
    function ownCommitmentOf(bytes32 custodian, bytes32 tag) external view returns (bytes32);
}
