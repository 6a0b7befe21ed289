// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILine} from "../governance/ILine.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {BreakGlass} from "./BreakGlass.sol";
import {BreakGlassSuccessor} from "./BreakGlassSuccessor.sol";
import {Case, CaseStatus, IBreakGlass} from "./IBreakGlass.sol";

contract BreakGlassSuccessorTest is Deployment {
    bytes32 private constant INNER = keccak256("salted");
    bytes32 private constant OUTCOME = keccak256("salted outcome");
    bytes32 private immutable COMMITMENT = keccak256(abi.encode(HOSPITAL_A, INNER));

    BreakGlass private old;
    BreakGlassSuccessor private next;

    function setUp() public override {
        super.setUp();
        old = new BreakGlass(members, 3);
        next = new BreakGlassSuccessor(members, 2, old);
    }

    function test_aCaseDeclaredThereStandsHereAndIsNotDeclaredAnew() public {
        declare(old, COMMITMENT);
        requireCase(CaseStatus.Declared);
        vm.expectRevert(abi.encodeWithSelector(IBreakGlass.CaseTaken.selector, COMMITMENT));
        declare(next, COMMITMENT);
    }

    function test_whatWasDeclaredThereIsReviewedHereOnce() public {
        declare(old, COMMITMENT);
        vm.expectEmit(address(next));
        emit IBreakGlass.CaseReviewed(COMMITMENT, HOSPITAL_A, OUTCOME);
        review(next);
        vm.snapshotGasLastCall("emergency", "reviewing what was declared at the predecessor");
        requireCase(CaseStatus.Reviewed);
        vm.expectRevert(invalid(CaseStatus.Reviewed));
        review(next);
        vm.warp(NOW + 72 hours);
        old.escalate(COMMITMENT);
        requireCase(CaseStatus.Reviewed);
    }

    function test_whatWasNotReviewedThereIsEscalatedHere() public {
        declare(old, COMMITMENT);
        vm.warp(NOW + 72 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IBreakGlass.CaseTooEarly.selector, COMMITMENT, NOW + 72 hours, NOW + 72 hours - 1
            )
        );
        next.escalate(COMMITMENT);
        vm.warp(NOW + 72 hours);
        vm.expectEmit(address(next));
        emit IBreakGlass.CaseEscalated(COMMITMENT);
        next.escalate(COMMITMENT);
        requireCase(CaseStatus.Escalated);
        // A review there does not hide it here.
        review(old);
        requireCase(CaseStatus.Escalated);
        review(next);
        requireCase(CaseStatus.Reviewed);
    }

    function test_whatWasReviewedThereIsReviewedHere() public {
        declare(old, COMMITMENT);
        review(old);
        requireCase(CaseStatus.Reviewed);
        vm.expectRevert(invalid(CaseStatus.Reviewed));
        review(next);
        vm.expectRevert(invalid(CaseStatus.Reviewed));
        next.escalate(COMMITMENT);
    }

    function test_whatNeitherHasIsNoCase() public {
        vm.assertTrue(next.caseOf(COMMITMENT).status == CaseStatus.None, "none");
        vm.expectRevert(invalid(CaseStatus.None));
        review(next);
    }

    function test_casesDeclaredThereCountTowardsTheQuotaHere() public {
        declare(old, keccak256("one"));
        requireUsed(1);
        declare(next, keccak256("two"));
        requireUsed(2);
        vm.expectRevert(quotaSpent());
        declare(next, keccak256("three"));
        // More there than the quota here allows.
        declare(old, keccak256("three"));
        requireUsed(3);
        vm.expectRevert(quotaSpent());
        declare(next, keccak256("four"));
        vm.warp(NOW + 1 days);
        vm.prank(OPERATOR_B);
        next.declare(keccak256("four"), uint64(NOW + 1 days + 1));
        requireUsed(1);
    }

    function test_aLineIsLookedThroughToItsBeginning() public {
        declare(old, COMMITMENT);
        BreakGlassSuccessor third = new BreakGlassSuccessor(members, 2, next);
        (uint256 used, uint256 quota) = third.quotaOf(HOSPITAL_B, block.timestamp / 1 days);
        vm.assertTrue(used == 1 && quota == 2, "quota");
        review(third);
        vm.assertTrue(third.caseOf(COMMITMENT).status == CaseStatus.Reviewed, "reviewed");
        vm.assertTrue(third.predecessors().length == 2, "the line");
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new BreakGlassSuccessor(members, 2, BreakGlass(address(0xE0A)));
    }

    function requireUsed(uint256 wanted) private view {
        (uint256 used, ) = next.quotaOf(HOSPITAL_B, block.timestamp / 1 days);
        vm.assertEq(used, wanted, "used");
    }

    function requireCase(CaseStatus status) private view {
        Case memory found = next.caseOf(COMMITMENT);
        vm.assertEq(uint256(found.status), uint256(status), "status");
        vm.assertEq(found.member, HOSPITAL_B, "member");
        vm.assertTrue(found.declaredAt == NOW && found.until == NOW + 24 hours, "times");
    }

    function declare(BreakGlass target, bytes32 commitment) private {
        vm.prank(OPERATOR_B);
        target.declare(commitment, uint64(NOW + 24 hours));
    }

    function review(BreakGlass target) private {
        vm.prank(OPERATOR_A);
        target.review(INNER, OUTCOME);
    }

    function quotaSpent() private view returns (bytes memory) {
        uint256 day = block.timestamp / 1 days;
        return abi.encodeWithSelector(IBreakGlass.CaseQuotaSpent.selector, HOSPITAL_B, day, 2);
    }

    function invalid(CaseStatus status) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBreakGlass.CaseStatusInvalid.selector, COMMITMENT, status);
    }
}
