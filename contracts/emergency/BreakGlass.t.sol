// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ALL_ROLES, ROLE_CUSTODIAN, ROLE_EMERGENCY} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {BreakGlass} from "./BreakGlass.sol";
import {Case, CaseStatus, IBreakGlass} from "./IBreakGlass.sol";

contract BreakGlassTest is Deployment {
    bytes32 private constant INNER = keccak256("salted");
    bytes32 private constant OUTCOME = keccak256("salted outcome");
    bytes32 private immutable COMMITMENT = keccak256(abi.encode(HOSPITAL_A, INNER));

    BreakGlass private glass;

    function setUp() public override {
        super.setUp();
        glass = new BreakGlass(members, 2);
    }

    function test_aCaseIsDeclaredAndReviewedByTheCustodian() public {
        vm.expectEmit(address(glass));
        emit IBreakGlass.CaseDeclared(COMMITMENT, HOSPITAL_B, uint64(NOW + 24 hours));
        declare(COMMITMENT);
        vm.snapshotGasLastCall("emergency", "declaring");
        Case memory found = glass.caseOf(COMMITMENT);
        vm.assertTrue(found.status == CaseStatus.Declared && found.declaredAt == NOW, "declared");
        vm.assertEq(found.until, NOW + 24 hours, "until");
        bytes32 others = keccak256(abi.encode(HOSPITAL_B, INNER));
        vm.expectRevert(invalid(others, CaseStatus.None));
        review(OPERATOR_B);
        vm.expectEmit(address(glass));
        emit IBreakGlass.CaseReviewed(COMMITMENT, HOSPITAL_A, OUTCOME);
        review(OPERATOR_A);
        vm.expectRevert(invalid(COMMITMENT, CaseStatus.Reviewed));
        review(OPERATOR_A);
        vm.warp(NOW + 73 hours);
        vm.expectRevert(invalid(COMMITMENT, CaseStatus.Reviewed));
        glass.escalate(COMMITMENT);
    }

    function test_aCaseThatIsNotReviewedForThreeDaysIsEscalatedAndReviewedLate() public {
        declare(COMMITMENT);
        vm.warp(NOW + 72 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IBreakGlass.CaseTooEarly.selector, COMMITMENT, NOW + 72 hours, NOW + 72 hours - 1
            )
        );
        glass.escalate(COMMITMENT);
        vm.warp(NOW + 72 hours);
        vm.expectEmit(address(glass));
        emit IBreakGlass.CaseEscalated(COMMITMENT);
        glass.escalate(COMMITMENT);
        vm.expectRevert(invalid(COMMITMENT, CaseStatus.Escalated));
        glass.escalate(COMMITMENT);
        review(OPERATOR_A);
    }

    function test_aMemberHasAQuotaForEachDay() public {
        declare(keccak256("one"));
        declare(keccak256("two"));
        (uint256 used, uint256 quota) = glass.quotaOf(HOSPITAL_B, TODAY);
        vm.assertTrue(used == 2 && quota == 2, "used up");
        vm.expectRevert(abi.encodeWithSelector(IBreakGlass.CaseQuotaSpent.selector, HOSPITAL_B, TODAY, 2));
        declare(keccak256("three"));
        vm.warp((uint256(TODAY) + 1) * 1 days);
        vm.prank(OPERATOR_B);
        glass.declare(keccak256("three"), uint64(block.timestamp + 1));
    }

    function testFuzz_aCaseEndsWithinADay(uint64 until) public {
        if (until > NOW && until <= NOW + 24 hours) until = uint64(NOW + 24 hours + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IBreakGlass.CaseEndInvalid.selector, until, NOW + 1, NOW + 24 hours)
        );
        vm.prank(OPERATOR_B);
        glass.declare(COMMITMENT, until);
    }

    function test_aCaseEndsAfterTheBlock() public {
        vm.expectRevert(
            abi.encodeWithSelector(IBreakGlass.CaseEndInvalid.selector, NOW, NOW + 1, NOW + 24 hours)
        );
        vm.prank(OPERATOR_B);
        glass.declare(COMMITMENT, uint64(NOW));
        vm.expectRevert(
            abi.encodeWithSelector(
                IBreakGlass.CaseEndInvalid.selector, NOW + 24 hours + 1, NOW + 1, NOW + 24 hours
            )
        );
        vm.prank(OPERATOR_B);
        glass.declare(COMMITMENT, uint64(NOW + 24 hours + 1));
        vm.prank(OPERATOR_B);
        glass.declare(COMMITMENT, uint64(NOW + 1));
        Case memory found = glass.caseOf(COMMITMENT);
        vm.assertEq(found.member, HOSPITAL_B, "member");
        vm.assertEq(found.until, NOW + 1, "until");
    }

    function test_aQuotaIsForOneDayFromMidnightOn() public {
        uint256 midnight = (uint256(TODAY) + 1) * 1 days;
        vm.warp(midnight - 1);
        declare(keccak256("one"));
        declare(keccak256("two"));
        (uint256 used, ) = glass.quotaOf(HOSPITAL_B, TODAY);
        vm.assertEq(used, 2, "the last second of the day");
        vm.warp(midnight);
        declare(keccak256("three"));
        (used, ) = glass.quotaOf(HOSPITAL_B, TODAY + 1);
        vm.assertEq(used, 1, "the first second of the next");
    }

    function test_aCommitmentIsUsedOnceAndAnOutcomeIsNotZero() public {
        declare(COMMITMENT);
        vm.expectRevert(abi.encodeWithSelector(IBreakGlass.CaseTaken.selector, COMMITMENT));
        declare(COMMITMENT);
        vm.expectRevert(abi.encodeWithSelector(IBreakGlass.CaseOutcomeZero.selector, COMMITMENT));
        vm.prank(OPERATOR_A);
        glass.review(INNER, 0);
    }

    function test_onlyTheEmergencyRoleDeclaresAndOnlyCustodiansReview() public {
        members.setRoles(HOSPITAL_B, ALL_ROLES & ~(ROLE_EMERGENCY | ROLE_CUSTODIAN));
        bytes4 missing = IMemberRegistry.MemberRoleMissing.selector;
        vm.expectRevert(abi.encodeWithSelector(missing, HOSPITAL_B, ROLE_EMERGENCY));
        declare(COMMITMENT);
        vm.expectRevert(abi.encodeWithSelector(missing, HOSPITAL_B, ROLE_CUSTODIAN));
        review(OPERATOR_B);
    }

    function declare(bytes32 commitment) private {
        vm.prank(OPERATOR_B);
        glass.declare(commitment, uint64(block.timestamp + 24 hours));
    }

    function review(address operator) private {
        vm.prank(operator);
        glass.review(INNER, OUTCOME);
    }

    function invalid(bytes32 commitment, CaseStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBreakGlass.CaseStatusInvalid.selector, commitment, status);
    }
}
