// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {AccessRequests} from "./AccessRequests.sol";
import {AccessRequestsSuccessor} from "./AccessRequestsSuccessor.sol";
import {IAccessRequests, Request, RequestStatus} from "./IAccessRequests.sol";

contract AccessRequestsSuccessorTest is Deployment {
    bytes32 private constant INNER = keccak256("salted");
    bytes32 private constant OUTCOME = keccak256("salted outcome");
    bytes32 private immutable COMMITMENT = keccak256(abi.encode(HOSPITAL_A, INNER));
    uint64 private constant DUE = uint64(NOW + 3 days);

    AccessRequests private old;
    AccessRequestsSuccessor private next;

    function setUp() public override {
        super.setUp();
        old = new AccessRequests(members);
        next = new AccessRequestsSuccessor(members, old);
    }

    function test_aRequestOpenedThereStandsHereAndIsNotOpenedAnew() public {
        open(old);
        requireRequest(RequestStatus.Requested);
        vm.expectRevert(abi.encodeWithSelector(IAccessRequests.RequestTaken.selector, COMMITMENT));
        open(next);
    }

    function test_whatIsOpenThereIsClosedHereOnceAtItsDeadline() public {
        open(old);
        vm.warp(DUE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequests.RequestTooEarly.selector, COMMITMENT, DUE, DUE - 1)
        );
        close(next);
        vm.warp(DUE);
        vm.expectEmit(address(next));
        emit IAccessRequests.RequestClosed(COMMITMENT, HOSPITAL_A, OUTCOME);
        close(next);
        vm.snapshotGasLastCall("requests", "closing what the predecessor has open");
        requireRequest(RequestStatus.Closed);
        vm.expectRevert(notOpen(RequestStatus.Closed));
        close(next);
        // What is done there afterwards is nothing here.
        vm.warp(DUE + 1 days);
        old.lapse(COMMITMENT);
        requireRequest(RequestStatus.Closed);
    }

    function test_whatIsOpenThereLapsesHere() public {
        open(old);
        vm.warp(DUE + 1 days);
        vm.expectEmit(address(next));
        emit IAccessRequests.RequestLapsed(COMMITMENT);
        next.lapse(COMMITMENT);
        requireRequest(RequestStatus.Lapsed);
    }

    function test_whatWasClosedThereIsClosedHere() public {
        open(old);
        vm.warp(DUE);
        close(old);
        requireRequest(RequestStatus.Closed);
        vm.expectRevert(notOpen(RequestStatus.Closed));
        close(next);
        vm.expectRevert(notOpen(RequestStatus.Closed));
        next.lapse(COMMITMENT);
    }

    function test_aRequestOfThisContractIsNoneOfThePredecessors() public {
        open(next);
        vm.warp(NOW + 1);
        open(old);
        vm.warp(DUE);
        close(old);
        requireRequest(RequestStatus.Requested);
        close(next);
        requireRequest(RequestStatus.Closed);
    }

    function test_whatNeitherHasIsNotOpen() public {
        vm.assertTrue(next.requestOf(COMMITMENT).status == RequestStatus.None, "none");
        vm.expectRevert(notOpen(RequestStatus.None));
        close(next);
    }

    function test_aLineIsLookedThroughToItsBeginning() public {
        open(old);
        AccessRequestsSuccessor third = new AccessRequestsSuccessor(members, next);
        vm.warp(DUE);
        close(third);
        vm.assertTrue(third.requestOf(COMMITMENT).status == RequestStatus.Closed, "closed");
        vm.assertTrue(third.predecessors().length == 2, "the line");
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new AccessRequestsSuccessor(members, AccessRequests(address(0xE0A)));
    }

    function requireRequest(RequestStatus status) private view {
        Request memory request = next.requestOf(COMMITMENT);
        vm.assertEq(uint256(request.status), uint256(status), "status");
        vm.assertEq(request.requester, HOSPITAL_B, "requester");
        vm.assertEq(request.deadline, DUE, "deadline");
    }

    function open(AccessRequests target) private {
        vm.prank(OPERATOR_B);
        target.open(COMMITMENT, DUE);
    }

    function close(AccessRequests target) private {
        vm.prank(OPERATOR_A);
        target.close(INNER, OUTCOME);
    }

    function notOpen(RequestStatus status) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAccessRequests.RequestNotOpen.selector, COMMITMENT, status);
    }
}
