// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_CUSTODIAN, ROLE_REQUESTER} from "../members/MemberTypes.sol";
import {IAccessRequests, Request, RequestStatus} from "./IAccessRequests.sol";

/// @title Requests for access
contract AccessRequests is IAccessRequests {
    uint256 private constant MAX_WAIT = 30 days;
    /// @dev How long a custodian may be late.
    uint256 private constant GRACE = 1 days;

    IMemberRegistry private immutable _members;

    mapping(bytes32 commitment => Request) internal _requests;

    constructor(IMemberRegistry members) {
        _members = members;
    }

    /// @inheritdoc IAccessRequests
    function open(bytes32 commitment, uint64 deadline) external {
        bytes32 requester = _members.requireRole(msg.sender, ROLE_REQUESTER);
        if (_slotOf(commitment).status != RequestStatus.None) revert RequestTaken(commitment);
        uint256 latest = block.timestamp + MAX_WAIT;
        if (deadline <= block.timestamp || deadline > latest) {
            revert RequestDeadlineInvalid(deadline, block.timestamp + 1, latest);
        }
        _requests[commitment] = Request(RequestStatus.Requested, deadline, requester);
        emit RequestOpened(commitment, requester, deadline);
    }

    /// @inheritdoc IAccessRequests
    function close(bytes32 inner, bytes32 outcome) external {
        bytes32 custodian = _members.requireRole(msg.sender, ROLE_CUSTODIAN);
        bytes32 commitment = keccak256(abi.encode(custodian, inner));
        if (outcome == 0) revert RequestOutcomeZero(commitment);
        _requireOpen(commitment, 0).status = RequestStatus.Closed;
        emit RequestClosed(commitment, custodian, outcome);
    }

    /// @inheritdoc IAccessRequests
    function lapse(bytes32 commitment) external {
        _requireOpen(commitment, GRACE).status = RequestStatus.Lapsed;
        emit RequestLapsed(commitment);
    }

    /// @inheritdoc IAccessRequests
    function requestOf(bytes32 commitment) external view virtual returns (Request memory) {
        return _requests[commitment];
    }

    /// @dev Where the request is kept. A contract that takes over from this one first writes down what was there.
    function _slotOf(bytes32 commitment) internal virtual returns (Request storage) {
        return _requests[commitment];
    }

    function _requireOpen(bytes32 commitment, uint256 late) private returns (Request storage request) {
        request = _slotOf(commitment);
        if (request.status != RequestStatus.Requested) revert RequestNotOpen(commitment, request.status);
        uint256 from = request.deadline + late;
        if (block.timestamp < from) revert RequestTooEarly(commitment, from, block.timestamp);
    }
}
