// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus} from "../members/MemberTypes.sol";
import {ISuccession} from "./ISuccession.sol";

/// @title Successors of contracts
contract Succession is ISuccession, AccessManaged {
    struct Successor {
        address target;
        bytes32 codeHash;
    }

    IMemberRegistry private immutable _members;

    mapping(address predecessor => Successor) private _successors;
    mapping(bytes32 member => mapping(address predecessor => address)) private _accepted;

    constructor(address authority, IMemberRegistry members) AccessManaged(authority) {
        _members = members;
    }

    /// @inheritdoc ISuccession
    function announce(address predecessor, address successor) external restricted {
        if (successor.code.length == 0) revert SuccessorWithoutCode(successor);
        _successors[predecessor] = Successor(successor, successor.codehash);
        emit SuccessorAnnounced(predecessor, successor, successor.codehash);
    }

    /// @inheritdoc ISuccession
    function accept(address predecessor, address successor) external {
        bytes32 member = _members.memberOf(msg.sender);
        bool live = member != 0 && _members.memberState(member).status == MemberStatus.Live;
        if (!live) revert SuccessorMemberInvalid(msg.sender);
        Successor memory announced = _successors[predecessor];
        bool named = successor == announced.target && successor != address(0);
        if (!named) revert SuccessorNotAnnounced(predecessor, successor, announced.target);
        bytes32 codeHash = successor.codehash;
        if (codeHash != announced.codeHash) revert SuccessorCodeChanged(successor, codeHash, announced.codeHash);
        _accepted[member][predecessor] = successor;
        emit SuccessorAccepted(member, predecessor, successor);
    }

    /// @inheritdoc ISuccession
    function successorOf(address predecessor) external view returns (address successor, bytes32 codeHash) {
        Successor memory announced = _successors[predecessor];
        return (announced.target, announced.codeHash);
    }

    /// @inheritdoc ISuccession
    function acceptedBy(bytes32 member, address predecessor) external view returns (address) {
        return _accepted[member][predecessor];
    }
}
