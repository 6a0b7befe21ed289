// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IMemberRegistry} from "./IMemberRegistry.sol";
import {
    ALL_ROLES,
    Member,
    MemberStatus,
    ROLE_AUDITOR,
    ROLE_CUSTODIAN,
    ROLE_EMERGENCY,
    ROLE_REGISTRAR,
    ROLE_RELAYER,
    ROLE_REQUESTER
} from "./MemberTypes.sol";

contract MemberRegistryTest is Deployment {
    bytes32 private constant NEWCOMER = keccak256("urn:oid:2.999.1|newcomer");
    bytes32 private constant GROUP = keccak256("GP practices");
    address private constant OPERATOR = address(0xC11);

    function testFuzz_anAdmittedMemberIsLiveWithItsRolesAndOperator(bytes32 member, uint16 roles, address op) public {
        roles &= ALL_ROLES;
        if (member == 0 || member == HOSPITAL_A || member == HOSPITAL_B) return;
        if (op == address(0) || op == OPERATOR_A || op == OPERATOR_B) return;
        vm.expectEmit(address(members));
        emit IMemberRegistry.MemberAdmitted(member, 1, roles);
        vm.expectEmit(address(members));
        emit IMemberRegistry.OperatorSet(member, op, true);
        vm.expectEmit(address(members));
        emit IMemberRegistry.ProfileSet(member, 1, "{\"endpoint\":\"x\"}");
        members.admit(member, roles, op, "{\"endpoint\":\"x\"}");

        Member memory state = members.memberState(member);
        vm.assertTrue(state.status == MemberStatus.Live, "live");
        vm.assertEq(state.generation, 1, "generation");
        vm.assertEq(state.admittedAt, NOW, "admittedAt");
        vm.assertEq(state.roles, roles, "roles");
        vm.assertEq(members.memberOf(op), member, "operator");
    }

    function test_everyRoleIsOneBit() public pure {
        vm.assertEq(ROLE_CUSTODIAN, 1, "custodian");
        vm.assertEq(ROLE_REQUESTER, 2, "requester");
        vm.assertEq(ROLE_REGISTRAR, 4, "registrar");
        vm.assertEq(ROLE_RELAYER, 8, "relayer");
        vm.assertEq(ROLE_AUDITOR, 16, "auditor");
        vm.assertEq(ROLE_EMERGENCY, 32, "emergency");
        vm.assertEq(ALL_ROLES, 63, "all");
    }

    function test_onlyTheCouncilAdmitsSuspendsReinstatesRemovesAndGroups() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, OPERATOR_A);
        bytes[7] memory calls = [
            abi.encodeCall(members.admit, (NEWCOMER, 1, OPERATOR, "{}")),
            abi.encodeCall(members.suspend, (HOSPITAL_B)),
            abi.encodeCall(members.reinstate, (HOSPITAL_B)),
            abi.encodeCall(members.remove, (HOSPITAL_B)),
            abi.encodeCall(members.setRoles, (HOSPITAL_A, ALL_ROLES)),
            abi.encodeCall(members.joinGroup, (GROUP, HOSPITAL_A)),
            abi.encodeCall(members.leaveGroup, (GROUP, HOSPITAL_A))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(OPERATOR_A);
            (bool ok, bytes memory result) = address(members).call(calls[i]);
            vm.assertTrue(!ok && keccak256(result) == keccak256(refusal), "refused");
        }
    }

    function test_zeroIsNoMember() public {
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberIdZero.selector));
        members.admit(0, 1, OPERATOR, "{}");
    }

    function test_zeroIsNoOperator() public {
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorZero.selector));
        members.admit(NEWCOMER, 1, address(0), "{}");
    }

    function test_aMemberThatStandsIsNotAdmittedAgain() public {
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Live));
        members.admit(HOSPITAL_A, 1, OPERATOR, "{}");
        members.suspend(HOSPITAL_A);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        members.admit(HOSPITAL_A, 1, OPERATOR, "{}");
    }

    function test_anOperatorServesOneMemberOnly() public {
        bytes memory taken =
            abi.encodeWithSelector(IMemberRegistry.MemberOperatorTaken.selector, OPERATOR_A, HOSPITAL_A);
        vm.expectRevert(taken);
        members.admit(NEWCOMER, 1, OPERATOR_A, "{}");
        vm.expectRevert(taken);
        vm.prank(OPERATOR_B);
        members.setOperator(OPERATOR_A, true);
    }

    function testFuzz_unknownRolesAreRefused(uint16 roles) public {
        roles |= 64;
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberRolesUnknown.selector, roles));
        members.admit(NEWCOMER, roles, OPERATOR, "{}");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberRolesUnknown.selector, roles));
        members.setRoles(HOSPITAL_A, roles);
    }

    function test_rolesCanBeTakenAway() public {
        vm.expectEmit(address(members));
        emit IMemberRegistry.RolesSet(HOSPITAL_A, ROLE_REQUESTER);
        members.setRoles(HOSPITAL_A, ROLE_REQUESTER);
        vm.assertEq(members.requireRole(OPERATOR_A, ROLE_REQUESTER), HOSPITAL_A, "role kept");
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberRoleMissing.selector, HOSPITAL_A, ROLE_CUSTODIAN)
        );
        members.requireRole(OPERATOR_A, ROLE_CUSTODIAN);
    }

    function test_aSuspendedMemberHasNoRoleUntilReinstated() public {
        vm.expectEmit(address(members));
        emit IMemberRegistry.MemberSuspended(HOSPITAL_A);
        members.suspend(HOSPITAL_A);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        members.requireRole(OPERATOR_A, ROLE_CUSTODIAN);
        vm.assertEq(members.memberOf(OPERATOR_A), HOSPITAL_A, "still its operator");

        vm.expectEmit(address(members));
        emit IMemberRegistry.MemberReinstated(HOSPITAL_A);
        members.reinstate(HOSPITAL_A);
        vm.assertEq(members.requireRole(OPERATOR_A, ROLE_CUSTODIAN), HOSPITAL_A, "acts again");
    }

    function test_eachChangeOfStatusHasItsOnlyBeginnings() public {
        vm.expectRevert(statusInvalid(NEWCOMER, MemberStatus.None));
        members.suspend(NEWCOMER);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Live));
        members.reinstate(HOSPITAL_A);
        vm.expectRevert(statusInvalid(NEWCOMER, MemberStatus.None));
        members.remove(NEWCOMER);
        vm.expectRevert(statusInvalid(NEWCOMER, MemberStatus.None));
        members.setRoles(NEWCOMER, 1);
    }

    function test_removalKillsEveryOperator() public {
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        vm.expectEmit(address(members));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR, false);
        vm.expectEmit(address(members));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR_A, false);
        vm.expectEmit(address(members));
        emit IMemberRegistry.MemberRemoved(HOSPITAL_A);
        members.remove(HOSPITAL_A);
        vm.assertEq(members.memberOf(OPERATOR), 0, "second operator");
        vm.assertEq(members.memberOf(OPERATOR_A), 0, "first operator");
    }

    function test_readmissionIsANewGenerationWithoutOldOperatorsAndGroups() public {
        members.joinGroup(GROUP, HOSPITAL_A);
        members.remove(HOSPITAL_A);
        vm.assertEq(members.joinedAt(GROUP, HOSPITAL_A), 0, "a removed member is in no group");
        vm.warp(NOW + 50);
        members.admit(HOSPITAL_A, ROLE_CUSTODIAN, OPERATOR, "{}");

        Member memory state = members.memberState(HOSPITAL_A);
        vm.assertEq(state.generation, 2, "generation");
        vm.assertEq(state.admittedAt, NOW + 50, "admittedAt");
        vm.assertEq(members.memberOf(OPERATOR_A), 0, "old operator");
        vm.assertEq(members.memberOf(OPERATOR), HOSPITAL_A, "new operator");
        vm.assertEq(members.joinedAt(GROUP, HOSPITAL_A), 0, "old group");
        members.joinGroup(GROUP, HOSPITAL_A);
        vm.assertEq(members.joinedAt(GROUP, HOSPITAL_A), NOW + 50, "joins anew");
    }

    function test_anOperatorOfAnOlderGenerationDoesNothing() public {
        members.remove(HOSPITAL_A);
        members.admit(HOSPITAL_A, ALL_ROLES, OPERATOR, "{}");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, OPERATOR_A));
        members.requireRole(OPERATOR_A, ROLE_CUSTODIAN);
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, OPERATOR_A));
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR_A, true);
        vm.assertEq(members.memberState(HOSPITAL_A).generation, 2, "generation");
    }

    function test_anOperatorAddsAndRemovesOthersButNotItself() public {
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorIsCaller.selector, OPERATOR));
        vm.prank(OPERATOR);
        members.setOperator(OPERATOR, false);

        vm.expectEmit(address(members));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR_A, false);
        vm.prank(OPERATOR);
        members.setOperator(OPERATOR_A, false);
        vm.assertEq(members.memberOf(OPERATOR_A), 0, "removed");
        vm.assertEq(members.memberOf(OPERATOR), HOSPITAL_A, "the other stays");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, OPERATOR_A));
        vm.prank(OPERATOR_A);
        members.setProfile("{}");
    }

    function test_anOperatorOfAnotherMemberCannotBeRemoved() public {
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, OPERATOR_B));
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR_B, false);
    }

    function test_aSuspendedMemberDoesNotChangeItsKeys() public {
        members.suspend(HOSPITAL_A);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        vm.prank(OPERATOR_A);
        members.setProfile("{}");
    }

    function test_aMemberHasAtMostSixteenOperators() public {
        for (uint160 i = 1; i < 16; ++i) {
            vm.prank(OPERATOR_A);
            members.setOperator(address(0xD000 + i), true);
        }
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorsFull.selector, HOSPITAL_A, 16));
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);

        vm.prank(OPERATOR_A);
        members.setOperator(address(0xD003), false);
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        members.remove(HOSPITAL_A);
        for (uint160 i = 1; i < 16; ++i) vm.assertEq(members.memberOf(address(0xD000 + i)), 0, "freed");
        vm.assertEq(members.memberOf(OPERATOR), 0, "freed");
    }

    function test_afterTheFirstOperatorWentTheMembersRemovalFreesTheOthers() public {
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        vm.prank(OPERATOR);
        members.setOperator(OPERATOR_A, false);
        members.remove(HOSPITAL_A);
        vm.assertEq(members.memberOf(OPERATOR), 0, "freed");
    }

    function test_theOperatorAddedLastIsRemovedAsAnyOther() public {
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, true);
        vm.prank(OPERATOR_A);
        members.setOperator(OPERATOR, false);
        vm.assertEq(members.memberOf(OPERATOR), 0, "removed");
        vm.assertEq(members.memberOf(OPERATOR_A), HOSPITAL_A, "the other stays");
        members.remove(HOSPITAL_A);
        vm.assertEq(members.memberOf(OPERATOR_A), 0, "freed");
    }

    function test_aMemberPublishesItsProfile() public {
        vm.expectEmit(address(members));
        emit IMemberRegistry.ProfileSet(HOSPITAL_A, 1, "{\"endpoint\":\"y\"}");
        vm.prank(OPERATOR_A);
        members.setProfile("{\"endpoint\":\"y\"}");
    }

    function test_aGroupKnowsWhenAMemberJoined() public {
        vm.warp(NOW + 7);
        vm.expectEmit(address(members));
        emit IMemberRegistry.GroupJoined(GROUP, HOSPITAL_A);
        members.joinGroup(GROUP, HOSPITAL_A);
        vm.assertEq(members.joinedAt(GROUP, HOSPITAL_A), NOW + 7, "joined");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberInGroup.selector, GROUP, HOSPITAL_A));
        members.joinGroup(GROUP, HOSPITAL_A);

        vm.expectEmit(address(members));
        emit IMemberRegistry.GroupLeft(GROUP, HOSPITAL_A);
        members.leaveGroup(GROUP, HOSPITAL_A);
        vm.assertEq(members.joinedAt(GROUP, HOSPITAL_A), 0, "left");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberNotInGroup.selector, GROUP, HOSPITAL_A));
        members.leaveGroup(GROUP, HOSPITAL_A);
    }

    function test_onlyALiveMemberJoinsAGroup() public {
        members.suspend(HOSPITAL_A);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        members.joinGroup(GROUP, HOSPITAL_A);
    }

    function testFuzz_aStrangerIsNoMember(address stranger) public {
        if (stranger == OPERATOR_A || stranger == OPERATOR_B) return;
        vm.assertEq(members.memberOf(stranger), 0, "nobody");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, stranger));
        members.requireRole(stranger, ROLE_REQUESTER);
    }

    function statusInvalid(bytes32 member, MemberStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMemberRegistry.MemberStatusInvalid.selector, member, status);
    }
}
