// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Anchors of members' access logs
/// @notice Each member closes a window of its log every minute or sooner, empty or not, and anchors its salted Merkle
/// root. Windows are numbered from 1 and leave no gap in time.
///
/// Example: `anchor(1, t1, root)` covers 0 to t1; `anchor(2, t2, root)` covers t1 to t2.
interface IAccessLog {
    /// @notice A window of a member's log, after `from` up to `until`, in seconds, has this root.
    event WindowAnchored(bytes32 indexed member, uint64 indexed number, uint64 from, uint64 until, bytes32 root);

    /// @notice The account acts for no member.
    error AccessLogOperatorUnknown(address operator);
    /// @notice The window is not the member's next.
    error AccessLogNumberMismatch(bytes32 member, uint64 number, uint64 expected);
    /// @notice The window would end no later than it begins.
    error AccessLogWindowInverted(bytes32 member, uint64 from, uint64 until);
    /// @notice The window ends more than a minute after the block.
    error AccessLogWindowAhead(bytes32 member, uint64 until, uint256 latest);
    /// @notice Zero is no root; an empty window has a salted one as well.
    error AccessLogRootZero(bytes32 member, uint64 number);

    /// @notice Anchors the next window of the caller's own member, live or suspended: evidence may always be added.
    /// @param number One more than the last window's.
    /// @param until The window's end, in seconds; after the last window's and at most 60 past the block time.
    /// @param root Salted Merkle root over the window's entries, not zero.
    function anchor(uint64 number, uint64 until, bytes32 root) external;

    /// @notice The number and end of a member's last window; zero if it has none.
    function lastWindow(bytes32 member) external view returns (uint64 number, uint64 until);

    /// @notice The root of a member's window; zero if there is none.
    function rootOf(bytes32 member, uint64 number) external view returns (bytes32);

    /// @notice Whether a window holds an entry.
    /// @param leaf keccak256 of the entry's salted hash, as OpenZeppelin's StandardMerkleTree makes it.
    /// @param proof Hashes from the leaf to the root.
    function holds(
        bytes32 member,
        uint64 number,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external view returns (bool);
}
