// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_CUSTODIAN, ROLE_REQUESTER} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {AccessRequests} from "./AccessRequests.sol";
import {IAccessRequests, Request, RequestStatus} from "./IAccessRequests.sol";

contract AccessRequestsTest is Deployment {
    bytes32 private constant INNER = keccak256("salted");
    bytes32 private constant OUTCOME = keccak256("salted outcome");
    bytes32 private immutable COMMITMENT = keccak256(abi.encode(HOSPITAL_A, INNER));
    uint64 private constant DUE = uint64(NOW + 3 days);

    AccessRequests private requests;

    function setUp() public override {
        super.setUp();
        requests = new AccessRequests(members);
    }

    function test_aRequestIsClosedAtItsDeadlineByTheCustodianThatItNames() public {
        vm.expectEmit(address(requests));
        emit IAccessRequests.RequestOpened(COMMITMENT, HOSPITAL_B, DUE);
        open(DUE);
        vm.snapshotGasLastCall("requests", "opening");
        Request memory request = requests.requestOf(COMMITMENT);
        vm.assertTrue(request.status == RequestStatus.Requested, "requested");
        vm.assertEq(request.requester, HOSPITAL_B, "requester");

        vm.warp(DUE - 1);
        vm.expectRevert(tooEarly(DUE));
        close(OPERATOR_A);
        vm.warp(DUE);
        bytes32 others = keccak256(abi.encode(HOSPITAL_B, INNER));
        vm.expectRevert(notOpen(others, RequestStatus.None));
        close(OPERATOR_B);
        vm.expectEmit(address(requests));
        emit IAccessRequests.RequestClosed(COMMITMENT, HOSPITAL_A, OUTCOME);
        close(OPERATOR_A);
        vm.snapshotGasLastCall("requests", "closing");
        vm.expectRevert(notOpen(COMMITMENT, RequestStatus.Closed));
        close(OPERATOR_A);
    }

    function test_aRequestThatNobodyClosesLapsesADayLater() public {
        open(DUE);
        vm.warp(DUE + 1 days - 1);
        vm.expectRevert(tooEarly(DUE + 1 days));
        requests.lapse(COMMITMENT);
        vm.warp(DUE + 1 days);
        vm.expectEmit(address(requests));
        emit IAccessRequests.RequestLapsed(COMMITMENT);
        requests.lapse(COMMITMENT);
        vm.expectRevert(notOpen(COMMITMENT, RequestStatus.Lapsed));
        close(OPERATOR_A);
        vm.expectRevert(notOpen(COMMITMENT, RequestStatus.Lapsed));
        requests.lapse(COMMITMENT);
    }

    function testFuzz_aDeadlineLiesWithinThirtyDays(uint64 deadline) public {
        if (deadline > NOW && deadline <= NOW + 30 days) deadline = uint64(NOW);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessRequests.RequestDeadlineInvalid.selector, deadline, NOW + 1, NOW + 30 days
            )
        );
        open(deadline);
    }

    function test_aDeadlineIsAfterTheBlockAndAtMostThirtyDays() public {
        bytes4 invalid = IAccessRequests.RequestDeadlineInvalid.selector;
        vm.expectRevert(abi.encodeWithSelector(invalid, NOW, NOW + 1, NOW + 30 days));
        open(uint64(NOW));
        vm.expectRevert(abi.encodeWithSelector(invalid, NOW + 30 days + 1, NOW + 1, NOW + 30 days));
        open(uint64(NOW + 30 days + 1));
        open(uint64(NOW + 1));
        vm.assertEq(requests.requestOf(COMMITMENT).deadline, NOW + 1, "deadline");
        vm.prank(OPERATOR_B);
        requests.open(keccak256("another"), uint64(NOW + 30 days));
    }

    function test_aCommitmentIsUsedOnceAndAnOutcomeIsNotZero() public {
        open(DUE);
        vm.expectRevert(abi.encodeWithSelector(IAccessRequests.RequestTaken.selector, COMMITMENT));
        open(DUE);
        vm.warp(DUE);
        vm.expectRevert(abi.encodeWithSelector(IAccessRequests.RequestOutcomeZero.selector, COMMITMENT));
        vm.prank(OPERATOR_A);
        requests.close(INNER, 0);
    }

    function test_onlyRequestersAskAndOnlyCustodiansClose() public {
        members.setRoles(HOSPITAL_B, 0);
        bytes4 missing = IMemberRegistry.MemberRoleMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, HOSPITAL_B, ROLE_REQUESTER));
        open(DUE);
        vm.expectRevert(abi.encodeWithSelector(missing, HOSPITAL_B, ROLE_CUSTODIAN));
        close(OPERATOR_B);
    }

    function open(uint64 deadline) private {
        vm.prank(OPERATOR_B);
        requests.open(COMMITMENT, deadline);
    }

    function close(address operator) private {
        vm.prank(operator);
        requests.close(INNER, OUTCOME);
    }

    function tooEarly(uint256 from) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAccessRequests.RequestTooEarly.selector, COMMITMENT, from, from - 1);
    }

    function notOpen(bytes32 commitment, RequestStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessRequests.RequestNotOpen.selector, commitment, status);
    }
}
