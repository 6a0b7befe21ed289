// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {AccessRequests} from "./AccessRequests.sol";
import {IAccessRequests, Request, RequestStatus} from "./IAccessRequests.sol";

/// @title Requests for access, taken over from an earlier contract
/// @notice Does all that the contract of requests does, on top of what its predecessor holds. A request that is not kept here
/// stands as it does at the predecessor: a commitment that was used there is not opened anew, and what is open there is
/// closed or lapses here, once, at its deadline. From then on it is this contract's.
contract AccessRequestsSuccessor is AccessRequests, Line {
    IAccessRequests private immutable _predecessor;

    constructor(
        IMemberRegistry members,
        IAccessRequests predecessor
    ) AccessRequests(members) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IAccessRequests
    function requestOf(bytes32 commitment) external view override returns (Request memory) {
        Request memory own = _requests[commitment];
        return own.status != RequestStatus.None ? own : _predecessor.requestOf(commitment);
    }

    function _slotOf(bytes32 commitment) internal override returns (Request storage slot) {
        slot = _requests[commitment];
        if (slot.status == RequestStatus.None) _requests[commitment] = _predecessor.requestOf(commitment);
    }
}
