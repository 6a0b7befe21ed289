// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ILine} from "../governance/ILine.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IMemberRegistry} from "./IMemberRegistry.sol";
import {IMemberRegistrySuccessor} from "./IMemberRegistrySuccessor.sol";
import {MemberRegistry} from "./MemberRegistry.sol";
import {MemberRegistryTest} from "./MemberRegistry.t.sol";
import {MemberRegistrySuccessor} from "./MemberRegistrySuccessor.sol";
import {ALL_ROLES, Member, MemberStatus, ROLE_CUSTODIAN, ROLE_REQUESTER} from "./MemberTypes.sol";

/// @title Acts of the council at a member registry or at its successor
abstract contract TwoMemberRegistries is Deployment {
    bytes32 internal constant GROUP = keccak256("a group");

    MemberRegistry internal old;
    MemberRegistrySuccessor internal next;

    function setUp() public virtual override {
        super.setUp();
        old = members;
        next = new MemberRegistrySuccessor(address(manager), old);
    }

    function adopt(bytes32 member) internal {
        bytes32[] memory list = new bytes32[](1);
        list[0] = member;
        next.adopt(list);
    }
}

/// @dev What holds for the registry holds for a successor that has taken its members over.
contract MemberRegistryFollowingTest is MemberRegistryTest {
    function setUp() public override {
        super.setUp();
        MemberRegistrySuccessor next = new MemberRegistrySuccessor(address(manager), members);
        bytes32[] memory list = new bytes32[](2);
        (list[0], list[1]) = (HOSPITAL_A, HOSPITAL_B);
        next.adopt(list);
        members = next;
    }
}

contract MemberRegistrySuccessorTest is TwoMemberRegistries {
    address private constant OPERATOR = address(0xC11);
    address private constant OTHER = address(0xD11);

    function test_aMemberIsWhatItIsThereUntilTheCouncilWritesIt() public {
        vm.warp(NOW + 10);
        old.joinGroup(GROUP, HOSPITAL_A);
        requireEqual(HOSPITAL_A);
        vm.prank(OPERATOR_A);
        old.setOperator(OPERATOR, true);
        vm.assertEq(next.memberOf(OPERATOR), HOSPITAL_A, "its operators, too");
        old.setRoles(HOSPITAL_A, ROLE_REQUESTER);
        old.suspend(HOSPITAL_A);
        requireEqual(HOSPITAL_A);
        old.remove(HOSPITAL_A);
        requireEqual(HOSPITAL_A);
        vm.assertEq(next.memberOf(OPERATOR_A), 0, "gone");
        vm.warp(NOW + 20);
        old.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        requireEqual(HOSPITAL_A);
        vm.assertTrue(!next.isTakenOver(HOSPITAL_A), "nothing is written");
        requireEqual(keccak256("a stranger"));
    }

    function test_toAdoptAMemberChangesNothingOfIt() public {
        old.joinGroup(GROUP, HOSPITAL_A);
        vm.prank(OPERATOR_A);
        old.setOperator(OPERATOR, true);
        old.suspend(HOSPITAL_A);
        vm.warp(NOW + 10);
        vm.expectEmit(address(next));
        emit IMemberRegistrySuccessor.MemberAdopted(HOSPITAL_A, 1, ALL_ROLES);
        vm.expectEmit(address(next));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR_A, true);
        vm.expectEmit(address(next));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR, true);
        adopt(HOSPITAL_A);
        requireEqual(HOSPITAL_A);
        vm.assertEq(next.memberState(HOSPITAL_A).admittedAt, NOW, "admitted when it was");
        vm.assertEq(next.memberOf(OPERATOR), HOSPITAL_A, "both operators");
        vm.assertTrue(next.isTakenOver(HOSPITAL_A), "written");
        vm.recordLogs();
        adopt(HOSPITAL_A);
        vm.assertEq(vm.getRecordedLogs().length, 0, "once");
    }

    function test_onlyTheCouncilAdoptsAndOnlyWhoWasAdmitted() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, OPERATOR_A);
        bytes32[] memory list = new bytes32[](1);
        list[0] = HOSPITAL_A;
        vm.expectRevert(refusal);
        vm.prank(OPERATOR_A);
        next.adopt(list);
        vm.expectRevert(statusInvalid(keccak256("a stranger"), MemberStatus.None));
        adopt(keccak256("a stranger"));
    }

    function test_whatIsWrittenHereIsNotChangedThere() public {
        adopt(HOSPITAL_A);
        old.setRoles(HOSPITAL_A, ROLE_REQUESTER);
        vm.prank(OPERATOR_A);
        old.setOperator(OPERATOR, true);
        vm.assertEq(next.memberState(HOSPITAL_A).roles, ALL_ROLES, "roles");
        vm.assertEq(next.memberOf(OPERATOR), 0, "operators");
        vm.assertEq(next.operatorsOf(HOSPITAL_A).length, 1, "one");
        next.setRoles(HOSPITAL_B, ROLE_CUSTODIAN);
        vm.assertEq(old.memberState(HOSPITAL_B).roles, ALL_ROLES, "nor there what is written here");
        vm.assertEq(next.memberState(HOSPITAL_B).roles, ROLE_CUSTODIAN, "here");
        vm.assertEq(next.requireRole(OPERATOR_B, ROLE_CUSTODIAN), HOSPITAL_B, "with its operator");
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberRoleMissing.selector, HOSPITAL_B, ROLE_REQUESTER)
        );
        next.requireRole(OPERATOR_B, ROLE_REQUESTER);
    }

    function test_aSuspensionThereCountsHereAtOnceAndIsEndedAtBoth() public {
        adopt(HOSPITAL_A);
        old.suspend(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Suspended);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        next.requireRole(OPERATOR_A, ROLE_REQUESTER);
        vm.assertEq(next.memberOf(OPERATOR_A), HOSPITAL_A, "adds evidence all the same");
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        next.reinstate(HOSPITAL_A);
        old.reinstate(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Live);
        next.suspend(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Suspended);
        vm.assertTrue(old.memberState(HOSPITAL_A).status == MemberStatus.Live, "there not");
        next.reinstate(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Live);
        next.suspend(HOSPITAL_B);
        vm.assertEq(next.memberOf(OPERATOR_B), HOSPITAL_B, "a suspension takes over as well");
    }

    function test_aMemberSuspendedThereIsReinstatedThereFirst() public {
        old.suspend(HOSPITAL_A);
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Suspended));
        next.reinstate(HOSPITAL_A);
        vm.assertTrue(!next.isTakenOver(HOSPITAL_A), "nothing is written");
    }

    function test_aRemovalThereEndsItHereAndAnAdmissionIsOfALaterGenerationThanAny() public {
        adopt(HOSPITAL_A);
        old.joinGroup(GROUP, HOSPITAL_A);
        old.remove(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Removed);
        vm.assertEq(next.memberOf(OPERATOR_A), 0, "no operator");
        vm.assertEq(next.operatorsOf(HOSPITAL_A).length, 0, "none");
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "no group");
        vm.warp(NOW + 10);
        old.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        requireStatus(HOSPITAL_A, MemberStatus.Removed);
        vm.assertEq(next.memberState(HOSPITAL_A).generation, 2, "of that generation it is not admitted here");
        vm.warp(NOW + 20);
        vm.expectEmit(address(next));
        emit IMemberRegistry.OperatorSet(HOSPITAL_A, OPERATOR_A, false);
        vm.expectEmit(address(next));
        emit IMemberRegistry.MemberAdmitted(HOSPITAL_A, 3, ROLE_CUSTODIAN);
        next.admit(HOSPITAL_A, ROLE_CUSTODIAN, OPERATOR, "{}");
        Member memory state = next.memberState(HOSPITAL_A);
        vm.assertTrue(state.status == MemberStatus.Live && state.generation == 3, "admitted here");
        vm.assertEq(state.admittedAt, NOW + 20, "now");
        vm.assertEq(next.memberOf(OPERATOR_A), 0, "the earlier operator");
        vm.assertEq(next.memberOf(OPERATOR), HOSPITAL_A, "the new one");
        old.suspend(HOSPITAL_A);
        requireStatus(HOSPITAL_A, MemberStatus.Live);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "what an earlier generation joined");
    }

    function test_aMemberRemovedThereBeforeIsAdmittedHereAnew() public {
        old.remove(HOSPITAL_A);
        next.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        vm.assertEq(next.memberState(HOSPITAL_A).generation, 2, "generation");
        requireStatus(HOSPITAL_A, MemberStatus.Live);
        vm.expectRevert(statusInvalid(HOSPITAL_B, MemberStatus.Live));
        next.admit(HOSPITAL_B, ALL_ROLES, OPERATOR, "{}");
        vm.assertEq(next.memberOf(OPERATOR_A), HOSPITAL_A, "operator");
        next.admit(keccak256("new"), ALL_ROLES, OPERATOR, "{}");
        vm.assertEq(next.memberState(keccak256("new")).generation, 1, "the first");
    }

    function test_aRemovalHereFreesTheOperatorsThatItHadThere() public {
        old.joinGroup(GROUP, HOSPITAL_A);
        next.remove(HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "nor is it in a group");
        requireStatus(HOSPITAL_A, MemberStatus.Removed);
        vm.assertEq(next.memberOf(OPERATOR_A), 0, "freed");
        vm.assertEq(old.memberOf(OPERATOR_A), HOSPITAL_A, "not there");
        vm.expectRevert(statusInvalid(HOSPITAL_A, MemberStatus.Removed));
        next.remove(HOSPITAL_A);
        next.admit(HOSPITAL_A, ALL_ROLES, OPERATOR, "{}");
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "what an earlier generation joined there");
    }

    function test_operatorsChangeThereUntilTheMemberIsTakenOverAndHereAfterwards() public {
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistrySuccessor.MemberNotTakenOver.selector, HOSPITAL_A));
        vm.prank(OPERATOR_A);
        next.setOperator(OPERATOR, true);
        adopt(HOSPITAL_A);
        vm.prank(OPERATOR_A);
        next.setOperator(OPERATOR, true);
        vm.prank(OPERATOR);
        next.setOperator(OPERATOR_A, false);
        vm.assertEq(next.memberOf(OPERATOR_A), 0, "removed here");
        vm.assertEq(old.memberOf(OPERATOR_A), HOSPITAL_A, "though not there");
        // One that was removed here names no other there to any effect.
        vm.prank(OPERATOR_A);
        old.setOperator(OTHER, true);
        vm.assertEq(next.memberOf(OTHER), 0, "nobody");
        vm.expectEmit(address(next));
        emit IMemberRegistry.ProfileSet(HOSPITAL_B, 1, "{}");
        vm.prank(OPERATOR_B);
        next.setProfile("{}");
    }

    function test_anAccountServesOneMemberThoughBothNamedIt() public {
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberOperatorTaken.selector, OPERATOR_B, HOSPITAL_B)
        );
        next.admit(keccak256("new"), ALL_ROLES, OPERATOR_B, "{}");
        adopt(HOSPITAL_A);
        vm.prank(OPERATOR_A);
        next.setOperator(OPERATOR, true);
        vm.prank(OPERATOR_B);
        old.setOperator(OPERATOR, true);
        vm.assertEq(next.memberOf(OPERATOR), HOSPITAL_A, "who named it here");
        adopt(HOSPITAL_B);
        vm.assertEq(next.memberOf(OPERATOR), HOSPITAL_A, "still");
        vm.assertEq(next.operatorsOf(HOSPITAL_B).length, 1, "not the other's");
    }

    function test_anAccountOfAMemberThatWasRemovedThereIsFreeForAnother() public {
        adopt(HOSPITAL_A);
        old.remove(HOSPITAL_A);
        adopt(HOSPITAL_B);
        vm.prank(OPERATOR_B);
        next.setOperator(OPERATOR_A, true);
        vm.assertEq(next.memberOf(OPERATOR_A), HOSPITAL_B, "the other's");
        // To admit the first anew does not take it away.
        next.admit(HOSPITAL_A, ALL_ROLES, OPERATOR, "{}");
        vm.assertEq(next.memberOf(OPERATOR_A), HOSPITAL_B, "still");
    }

    function test_groupsAreFollowedUntilTheyAreWrittenAndNobodyJoinedEarlierThanItDid() public {
        old.joinGroup(GROUP, HOSPITAL_A);
        vm.warp(NOW + 10);
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberInGroup.selector, GROUP, HOSPITAL_A));
        next.joinGroup(GROUP, HOSPITAL_A);
        next.leaveGroup(GROUP, HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "left here");
        vm.assertEq(old.joinedAt(GROUP, HOSPITAL_A), NOW, "not there");
        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberNotInGroup.selector, GROUP, HOSPITAL_A));
        next.leaveGroup(GROUP, HOSPITAL_A);
        old.leaveGroup(GROUP, HOSPITAL_A);
        old.joinGroup(GROUP, HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "to join there is nothing here");
        vm.warp(NOW + 20);
        next.joinGroup(GROUP, HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), NOW + 20, "now");
        vm.assertTrue(!next.isTakenOver(HOSPITAL_A), "the member itself is not written");
        old.remove(HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "gone with the generation");
        vm.warp(NOW + 30);
        old.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        old.joinGroup(GROUP, HOSPITAL_A);
        vm.assertEq(next.joinedAt(GROUP, HOSPITAL_A), 0, "and written");
    }

    function test_aLineIsLookedThroughToItsBeginning() public {
        old.joinGroup(GROUP, HOSPITAL_A);
        MemberRegistrySuccessor third = new MemberRegistrySuccessor(address(manager), next);
        vm.assertEq(third.joinedAt(GROUP, HOSPITAL_A), NOW, "joined");
        vm.assertEq(third.memberOf(OPERATOR_A), HOSPITAL_A, "operator");
        vm.assertTrue(third.predecessors().length == 2, "the line");
        old.suspend(HOSPITAL_A);
        vm.assertTrue(third.memberState(HOSPITAL_A).status == MemberStatus.Suspended, "suspended");
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new MemberRegistrySuccessor(address(manager), MemberRegistry(address(0xE0A)));
    }

    function requireEqual(bytes32 member) private view {
        Member memory here = next.memberState(member);
        Member memory there = old.memberState(member);
        vm.assertTrue(keccak256(abi.encode(here)) == keccak256(abi.encode(there)), "state");
        vm.assertEq(next.joinedAt(GROUP, member), old.joinedAt(GROUP, member), "joined");
        vm.assertEq(next.memberOf(OPERATOR_A), old.memberOf(OPERATOR_A), "operator");
        bytes32 list = keccak256(abi.encode(next.operatorsOf(member)));
        vm.assertEq(list, keccak256(abi.encode(old.operatorsOf(member))), "operators");
    }

    function requireStatus(bytes32 member, MemberStatus status) private view {
        vm.assertEq(uint256(next.memberState(member).status), uint256(status), "status");
    }

    function statusInvalid(bytes32 member, MemberStatus status) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMemberRegistry.MemberStatusInvalid.selector, member, status);
    }
}

/// @dev The council acts at either registry, in any order, and members change their operators; what the successor says of a
/// member is compared with what it said before.
contract MemberLineActor is TwoMemberRegistries {
    address[4] private _accounts = [OPERATOR_A, OPERATOR_B, address(0xC11), address(0xD11)];

    bool public fell;
    bool public earlier;
    bool public betterThanThere;
    bool public predecessorWidened;
    bool public removedActs;
    bool public adoptingChanged;

    Member private _before;
    bool private _written;
    uint64 private _joined;
    mapping(bytes32 member => uint64) private _lastJoined;

    /// @dev Once: the fuzzer calls it, too.
    function setUp() public override {
        if (address(next) == address(0)) super.setUp();
    }

    function council(uint256 act, bool ofA, bool here, uint256 account, uint8 later) external {
        bytes32 member = ofA ? HOSPITAL_A : HOSPITAL_B;
        vm.warp(block.timestamp + 1 + later);
        _note(member);
        MemberRegistry target = here ? next : old;
        act %= 8;
        if (act == 0) try target.suspend(member) {} catch {}
        if (act == 1) try target.reinstate(member) {} catch {}
        if (act == 2) try target.remove(member) {} catch {}
        if (act == 3) try target.admit(member, ALL_ROLES, _accounts[account % 4], "{}") {} catch {}
        if (act == 4) try target.joinGroup(GROUP, member) {} catch {}
        if (act == 5) try target.leaveGroup(GROUP, member) {} catch {}
        if (act == 6) try target.setRoles(member, uint16(account & ALL_ROLES)) {} catch {}
        if (act == 7) {
            adopt(member);
            Member memory same = next.memberState(member);
            if (keccak256(abi.encode(same)) != keccak256(abi.encode(_before))) adoptingChanged = true;
            if (next.joinedAt(GROUP, member) != _joined) adoptingChanged = true;
        }
        _compare(member, here || act == 7);
    }

    function operator(uint256 by, uint256 account, bool here, bool allowed) external {
        address sender = _accounts[by % 4];
        MemberRegistry target = here ? next : old;
        bytes32 member = next.memberOf(sender);
        _note(member);
        vm.prank(sender);
        try target.setOperator(_accounts[account % 4], allowed) {} catch {}
        _compare(member, here);
    }

    function _note(bytes32 member) private {
        _before = next.memberState(member);
        _written = next.isTakenOver(member);
        _joined = next.joinedAt(GROUP, member);
    }

    function _compare(bytes32 member, bool here) private {
        Member memory state = next.memberState(member);
        Member memory there = old.memberState(member);
        if (state.generation < _before.generation || state.admittedAt < _before.admittedAt) fell = true;
        bool sameGeneration = there.generation >= state.generation;
        if (sameGeneration && state.status < there.status) betterThanThere = true;
        bool better = state.status == MemberStatus.Live && _before.status != MemberStatus.Live;
        // A suspension that was made there ends there; everything else that helps a written member happens here.
        if (!here && _written && better && _before.status != MemberStatus.Suspended) predecessorWidened = true;
        if (!here && _written && state.roles != _before.roles) predecessorWidened = true;
        uint64 joined = next.joinedAt(GROUP, member);
        if (joined != 0) {
            if (joined < _lastJoined[member] || joined < state.admittedAt) earlier = true;
            _lastJoined[member] = joined;
        }
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 served = next.memberOf(_accounts[i]);
            if (served == 0) continue;
            MemberStatus status = next.memberState(served).status;
            if (status != MemberStatus.Live && status != MemberStatus.Suspended) removedActs = true;
        }
    }
}

contract MemberLineInvariantsTest {
    MemberLineActor private _actor;

    function setUp() public {
        _actor = new MemberLineActor();
        _actor.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    function invariant_generationsAndTimesOfMembersInALineOnlyRise() external view {
        vm.assertTrue(!_actor.fell(), "fell");
        vm.assertTrue(!_actor.earlier(), "joined earlier");
    }

    function invariant_aMemberStandsNoBetterThanAtThePredecessor() external view {
        vm.assertTrue(!_actor.betterThanThere(), "better");
        vm.assertTrue(!_actor.removedActs(), "a removed member acts");
    }

    function invariant_thePredecessorHelpsNoMemberThatIsWrittenAtTheSuccessor() external view {
        vm.assertTrue(!_actor.predecessorWidened(), "widened");
    }

    function invariant_toAdoptAMemberChangesNothingOfIt() external view {
        vm.assertTrue(!_actor.adoptingChanged(), "changed");
    }
}
