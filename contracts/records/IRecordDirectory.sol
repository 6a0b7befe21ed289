// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Pointers to records, and commitments to them
/// @notice A custodian registers each version of a record under a tag that only holders of a compartment key can
/// compute. The commitment is kept, once and for all; the sealed pointer lies in the event.
///
/// Example: `register([tag], [commitment], pointer)` with a `pointer` of 160 bytes; for two records, 320 bytes.
interface IRecordDirectory {
    /// @notice A record version was registered.
    event RecordRegistered(bytes32 indexed custodian, bytes32 indexed tag, bytes32 commitment, bytes pointer);
    /// @notice The tag had a commitment already: this entry was skipped, and the old one stands.
    event TagTaken(bytes32 indexed custodian, bytes32 indexed tag);

    /// @notice A batch has 1 to `maximum` entries.
    error RecordCountInvalid(uint256 count, uint256 maximum);
    /// @notice There is not one commitment for each tag.
    error RecordCommitmentsMismatch(uint256 tags, uint256 commitments);
    /// @notice The pointers are not 160 bytes each.
    error RecordPointersMismatch(uint256 length, uint256 expected);
    /// @notice Zero is no commitment.
    error RecordCommitmentZero(uint256 index);

    /// @notice Registers a batch for the caller's own member, which must be a live custodian. A tag that is taken is
    /// skipped and reported, so that a batch may be sent again.
    /// @dev Reverts with the errors of `IMemberRegistry.requireRole` (custodian), too.
    /// @param tags 1 to 200 tags.
    /// @param commitments One for each tag, none zero.
    /// @param pointers 160 bytes for each tag, one after the other.
    function register(bytes32[] calldata tags, bytes32[] calldata commitments, bytes calldata pointers) external;

    /// @notice The commitment under a custodian's tag; zero if there is none.
    function commitmentOf(bytes32 custodian, bytes32 tag) external view returns (bytes32);
}
