// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ActState, Chamber, CouncilAct, ICouncil, Seat} from "./ICouncil.sol";

/// @title The council
/// @dev The `AccessManager` is the authority over this contract as well: seats change by the council's own act, after
/// the delay that is set for it.
contract Council is ICouncil, AccessManaged {
    uint8 private constant ALL_CHAMBERS = 7;

    uint256 private immutable _threshold;

    uint256 private _acts;
    uint256 private _seats;
    /// @dev Rises with each change of seats or keys, so that no vote of a seat that is gone counts.
    uint32 private _round;
    mapping(address holder => Chamber) private _chambers;
    mapping(Chamber chamber => uint256) private _seatsOf;
    mapping(uint256 id => CouncilAct) private _actOf;
    mapping(uint256 id => mapping(address holder => bool)) private _approved;
    mapping(uint256 id => mapping(uint32 round => mapping(address holder => bool))) private _objected;
    mapping(uint256 id => mapping(uint32 round => mapping(Chamber chamber => uint256))) private _objections;

    /// @param threshold Votes that carry an act, at least one of each chamber among them.
    constructor(address manager, Seat[] memory seats, uint256 threshold) AccessManaged(manager) {
        if (threshold < 3 || threshold > seats.length) revert CouncilThresholdInvalid(threshold, seats.length);
        _threshold = threshold;
        for (uint256 i = 0; i < seats.length; ++i) _seat(seats[i].holder, seats[i].chamber);
        _requireChambers();
    }

    /// @inheritdoc ICouncil
    function propose(address target, bytes calldata data) external returns (uint256 id) {
        _requireSeat();
        id = ++_acts;
        _actOf[id] = CouncilAct(target, ActState.Proposed, _round, 0, 0, data);
        emit ActProposed(id, msg.sender, target, data);
        _approve(id);
    }

    /// @inheritdoc ICouncil
    function approve(uint256 id) external {
        _requireSeat();
        _approve(id);
    }

    /// @inheritdoc ICouncil
    function perform(uint256 id) external {
        _requireState(id, ActState.Scheduled);
        _execute(id);
    }

    /// @inheritdoc ICouncil
    function stop(uint256 id) external {
        Chamber chamber = _requireSeat();
        ActState state = _actOf[id].state;
        bool open = state == ActState.Proposed || state == ActState.Scheduled;
        if (!open) revert CouncilStateInvalid(id, state);
        if (_objected[id][_round][msg.sender]) revert CouncilVotedTwice(id, msg.sender);
        _objected[id][_round][msg.sender] = true;
        emit ActObjected(id, msg.sender, chamber);
        if (++_objections[id][_round][chamber] * 2 <= _seatsOf[chamber]) return;

        _actOf[id].state = ActState.Stopped;
        emit ActStopped(id, chamber);
        if (state == ActState.Scheduled) {
            IAccessManager(authority()).cancel(address(this), _actOf[id].target, _actOf[id].data);
        }
    }

    /// @inheritdoc ICouncil
    function rotate(address next) external {
        Chamber chamber = _requireSeat();
        _unseat(msg.sender, chamber);
        _seat(next, chamber);
    }

    /// @inheritdoc ICouncil
    function setSeat(address holder, Chamber chamber) external restricted {
        Chamber current = _chambers[holder];
        if (current != Chamber.None) _unseat(holder, current);
        if (chamber != Chamber.None) _seat(holder, chamber);
        _requireChambers();
    }

    /// @inheritdoc ICouncil
    function actOf(uint256 id) external view returns (CouncilAct memory) {
        return _actOf[id];
    }

    /// @inheritdoc ICouncil
    function chamberOf(address holder) external view returns (Chamber) {
        return _chambers[holder];
    }

    /// @inheritdoc ICouncil
    function seatsOf(Chamber chamber) external view returns (uint256) {
        return _seatsOf[chamber];
    }

    function _approve(uint256 id) private {
        _requireState(id, ActState.Proposed);
        CouncilAct storage act = _actOf[id];
        if (act.round != _round) revert CouncilRoundPassed(id, act.round, _round);
        if (_approved[id][msg.sender]) revert CouncilVotedTwice(id, msg.sender);
        Chamber chamber = _chambers[msg.sender];
        _approved[id][msg.sender] = true;
        act.approvals += 1;
        act.chambers |= uint8(1 << (uint8(chamber) - 1));
        emit ActApproved(id, msg.sender, chamber);
        if (act.approvals >= _threshold && act.chambers == ALL_CHAMBERS) _carry(id);
    }

    function _carry(uint256 id) private {
        CouncilAct storage act = _actOf[id];
        (address target, bytes memory data) = (act.target, act.data);
        IAccessManager manager = IAccessManager(authority());
        (bool immediate, uint32 delay) = manager.canCall(address(this), target, bytes4(data));
        if (immediate) return _execute(id);
        if (delay == 0) revert CouncilNotAuthorized(target, bytes4(data));
        act.state = ActState.Scheduled;
        emit ActScheduled(id, block.timestamp + delay);
        manager.schedule(target, data, 0);
    }

    function _execute(uint256 id) private {
        CouncilAct storage act = _actOf[id];
        act.state = ActState.Done;
        emit ActDone(id);
        IAccessManager(authority()).execute(act.target, act.data);
    }

    function _seat(address holder, Chamber chamber) private {
        if (_chambers[holder] != Chamber.None) revert CouncilSeatTaken(holder);
        if (chamber == Chamber.None) revert CouncilSeatMissing(holder);
        _chambers[holder] = chamber;
        ++_seatsOf[chamber];
        ++_seats;
        ++_round;
        emit SeatSet(holder, chamber);
    }

    function _unseat(address holder, Chamber chamber) private {
        delete _chambers[holder];
        --_seatsOf[chamber];
        --_seats;
        ++_round;
        emit SeatSet(holder, Chamber.None);
    }

    function _requireSeat() private view returns (Chamber chamber) {
        chamber = _chambers[msg.sender];
        if (chamber == Chamber.None) revert CouncilSeatMissing(msg.sender);
    }

    function _requireState(uint256 id, ActState wanted) private view {
        ActState state = _actOf[id].state;
        if (state != wanted) revert CouncilStateInvalid(id, state);
    }

    function _requireChambers() private view {
        for (uint8 i = 1; i <= 3; ++i) {
            Chamber chamber = Chamber(i);
            if (_seatsOf[chamber] == 0 || _seats < _threshold) revert CouncilTooSmall(chamber, _seats, _threshold);
        }
    }
}
