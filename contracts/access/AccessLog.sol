// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {IAccessLog} from "./IAccessLog.sol";

/// @title Anchors of members' access logs
contract AccessLog is IAccessLog {
    struct Window {
        uint64 number;
        uint64 until;
    }

    /// @dev How far a member's clock may be ahead of the block's, in seconds.
    uint256 private constant MAX_AHEAD = 60;

    IMemberRegistry private immutable _members;

    mapping(bytes32 member => Window) internal _last;
    mapping(bytes32 member => mapping(uint64 number => bytes32 root)) internal _roots;

    constructor(IMemberRegistry members) {
        _members = members;
    }

    /// @inheritdoc IAccessLog
    function anchor(uint64 number, uint64 until, bytes32 root) external {
        // An account has a member only while that member is live or suspended.
        bytes32 member = _members.memberOf(msg.sender);
        if (member == 0) revert AccessLogOperatorUnknown(msg.sender);
        Window memory last = _lastToFollow(member);
        if (number != last.number + 1) revert AccessLogNumberMismatch(member, number, last.number + 1);
        if (until <= last.until) revert AccessLogWindowInverted(member, last.until, until);
        uint256 latest = block.timestamp + MAX_AHEAD;
        if (until > latest) revert AccessLogWindowAhead(member, until, latest);
        if (root == 0) revert AccessLogRootZero(member, number);

        _last[member] = Window(number, until);
        _roots[member][number] = root;
        emit WindowAnchored(member, number, last.until, until, root);
    }

    /// @inheritdoc IAccessLog
    function lastWindow(bytes32 member) external view virtual returns (uint64 number, uint64 until) {
        Window memory last = _last[member];
        return (last.number, last.until);
    }

    /// @inheritdoc IAccessLog
    function rootOf(bytes32 member, uint64 number) public view virtual returns (bytes32) {
        return _roots[member][number];
    }

    /// @inheritdoc IAccessLog
    function holds(
        bytes32 member,
        uint64 number,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external view returns (bool) {
        // No window has a root of zero, so nothing lies in one that was never anchored.
        return MerkleProof.verifyCalldata(proof, rootOf(member, number), leaf);
    }

    /// @dev The window that the member's next one follows. A log that takes over from this one looks further here.
    function _lastToFollow(bytes32 member) internal virtual returns (Window memory) {
        return _last[member];
    }
}
