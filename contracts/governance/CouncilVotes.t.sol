// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Council} from "./Council.sol";
import {ActState, Chamber, CouncilAct, ICouncil, Seat} from "./ICouncil.sol";
import {ISuccession} from "./ISuccession.sol";
import {Succession} from "./Succession.sol";

/// @title What carries and stops an act, vote by vote, and what is said of it
contract CouncilVotesTest is Deployment {
    uint64 private constant AT_ONCE = 1;
    uint64 private constant LATER = 2;
    uint32 private constant DELAY = 14 days;
    address private constant PROVIDER = address(0xC1);
    address private constant PROVIDER_2 = address(0xC11);
    address private constant REGULATOR = address(0xC2);
    address private constant REGULATOR_2 = address(0xC22);
    address private constant ADVOCATE = address(0xC3);

    Council private council;
    Succession private succession;

    function setUp() public override {
        super.setUp();
        council = councilOf(3);
        succession = new Succession(address(manager), members);
        manager.setTargetFunctionRole(address(members), one(IMemberRegistry.suspend.selector), AT_ONCE);
        manager.setTargetFunctionRole(address(members), one(IMemberRegistry.reinstate.selector), LATER);
        manager.setTargetFunctionRole(address(succession), one(ISuccession.announce.selector), AT_ONCE);
    }

    function test_everyStepOfAnActIsAnnounced() public {
        bytes memory call = abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B));
        vm.expectEmit(address(council));
        emit ICouncil.ActProposed(1, PROVIDER, address(members), call);
        vm.expectEmit(address(council));
        emit ICouncil.ActApproved(1, PROVIDER, Chamber.Providers);
        propose(PROVIDER, call);
        approve(REGULATOR, 1);
        vm.expectEmit(address(council));
        emit ICouncil.ActApproved(1, ADVOCATE, Chamber.Advocates);
        vm.expectEmit(address(council));
        emit ICouncil.ActDone(1);
        approve(ADVOCATE, 1);
    }

    function test_aScheduledActSaysWhenItIsReady() public {
        members.suspend(HOSPITAL_B);
        uint256 id = propose(PROVIDER, abi.encodeCall(IMemberRegistry.reinstate, (HOSPITAL_B)));
        approve(REGULATOR, id);
        vm.expectEmit(address(council));
        emit ICouncil.ActScheduled(id, NOW + DELAY);
        approve(ADVOCATE, id);
        vm.warp(NOW + DELAY);
        vm.expectEmit(address(council));
        emit ICouncil.ActDone(id);
        council.perform(id);
    }

    function test_anActHoldsWhatWasProposedAndWhoVoted() public {
        bytes memory call = abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B));
        uint256 id = propose(REGULATOR, call);
        approve(PROVIDER, id);
        CouncilAct memory act = council.actOf(id);
        vm.assertTrue(act.target == address(members) && act.state == ActState.Proposed, "act");
        vm.assertEq(act.round, 5, "one round for each seat");
        vm.assertEq(act.approvals, 2, "approvals");
        vm.assertEq(act.chambers, 3, "chambers");
        vm.assertEq(keccak256(act.data), keccak256(call), "data");
        vm.assertTrue(council.chamberOf(REGULATOR_2) == Chamber.Regulators, "chamber");
        vm.assertEq(council.seatsOf(Chamber.Regulators), 2, "seats");
    }

    function test_asManyVotesAsTheThresholdSaysAreNeeded() public {
        council = councilOf(4);
        uint256 id = propose(PROVIDER, abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B)));
        approve(REGULATOR, id);
        approve(ADVOCATE, id);
        requireState(id, ActState.Proposed);
        approve(PROVIDER_2, id);
        requireState(id, ActState.Done);
    }

    function test_noChamberIsLeftOut() public {
        address[3][3] memory without = [
            [REGULATOR, REGULATOR_2, ADVOCATE],
            [PROVIDER, PROVIDER_2, ADVOCATE],
            [PROVIDER, PROVIDER_2, REGULATOR]
        ];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 id = propose(without[i][0], abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B)));
            approve(without[i][1], id);
            approve(without[i][2], id);
            requireState(id, ActState.Proposed);
        }
    }

    function test_everyChamberHasASeat() public {
        for (uint8 missing = 1; missing <= 3; ++missing) {
            Seat[] memory list = seats();
            for (uint256 i = 0; i < list.length; ++i) {
                if (list[i].chamber == Chamber(missing)) list[i].chamber = Chamber(missing % 3 + 1);
            }
            vm.expectRevert(
                abi.encodeWithSelector(ICouncil.CouncilTooSmall.selector, Chamber(missing), 5, 3)
            );
            new Council(address(manager), list, 3);
        }
    }

    function test_aCouncilKeepsAsManySeatsAsItsThreshold() public {
        council = councilOf(5);
        manager.setTargetFunctionRole(address(council), one(ICouncil.setSeat.selector), AT_ONCE);
        manager.grantRole(AT_ONCE, address(this), 0);
        vm.expectRevert(
            abi.encodeWithSelector(ICouncil.CouncilTooSmall.selector, Chamber.Providers, 4, 5)
        );
        council.setSeat(PROVIDER_2, Chamber.None);
        vm.expectEmit(address(council));
        emit ICouncil.SeatSet(PROVIDER_2, Chamber.None);
        vm.expectEmit(address(council));
        emit ICouncil.SeatSet(PROVIDER_2, Chamber.Advocates);
        council.setSeat(PROVIDER_2, Chamber.Advocates);
        vm.assertEq(council.seatsOf(Chamber.Providers), 1, "left");
        vm.assertEq(council.seatsOf(Chamber.Advocates), 2, "joined");
    }

    function test_aRotationIsAnnouncedAndKeepsTheSeats() public {
        vm.expectEmit(address(council));
        emit ICouncil.SeatSet(REGULATOR, Chamber.None);
        vm.expectEmit(address(council));
        emit ICouncil.SeatSet(address(0xC23), Chamber.Regulators);
        vm.prank(REGULATOR);
        council.rotate(address(0xC23));
        vm.assertEq(council.seatsOf(Chamber.Regulators), 2, "seats");
        vm.assertTrue(council.chamberOf(address(0xC23)) == Chamber.Regulators, "the new key is in");
    }

    function test_aChamberStopsByTheMajorityOfItsSeats() public {
        uint256 id = propose(PROVIDER, abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B)));
        vm.expectEmit(address(council));
        emit ICouncil.ActObjected(id, REGULATOR, Chamber.Regulators);
        stop(REGULATOR, id);
        // One of two regulators and one of two providers: no chamber's majority.
        stop(PROVIDER_2, id);
        requireState(id, ActState.Proposed);
        stop(REGULATOR_2, id);
        requireState(id, ActState.Stopped);
    }

    function test_aStoppedActIsTakenFromTheSchedule() public {
        members.suspend(HOSPITAL_B);
        bytes memory call = abi.encodeCall(IMemberRegistry.reinstate, (HOSPITAL_B));
        uint256 id = propose(PROVIDER, call);
        approve(REGULATOR, id);
        approve(ADVOCATE, id);
        bytes32 operation = manager.hashOperation(address(council), address(members), call);
        vm.assertEq(manager.getSchedule(operation), NOW + DELAY, "scheduled");
        stop(ADVOCATE, id);
        vm.assertEq(manager.getSchedule(operation), 0, "no more");
    }

    function test_onlyALiveMembersOperatorAcceptsASuccessorAndItIsAnnounced() public {
        address next = address(accessLog);
        bytes memory call = abi.encodeCall(ISuccession.announce, (address(consents), next));
        vm.prank(PROVIDER);
        uint256 id = council.propose(address(succession), call);
        approve(REGULATOR, id);
        vm.expectEmit(address(succession));
        emit ISuccession.SuccessorAnnounced(address(consents), next, next.codehash);
        approve(ADVOCATE, id);

        members.suspend(HOSPITAL_B);
        vm.expectRevert(abi.encodeWithSelector(ISuccession.SuccessorMemberInvalid.selector, OPERATOR_B));
        vm.prank(OPERATOR_B);
        succession.accept(address(consents), next);
        vm.expectEmit(address(succession));
        emit ISuccession.SuccessorAccepted(HOSPITAL_A, address(consents), next);
        vm.prank(OPERATOR_A);
        succession.accept(address(consents), next);
        vm.assertTrue(members.memberState(HOSPITAL_B).status == MemberStatus.Suspended, "suspended");
    }

    function test_onlyTheCouncilAnnouncesASuccessor() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, OPERATOR_A));
        vm.prank(OPERATOR_A);
        succession.announce(address(consents), address(accessLog));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, PROVIDER));
        vm.prank(PROVIDER);
        council.setSeat(PROVIDER_2, Chamber.None);
    }

    function councilOf(uint256 threshold) private returns (Council made) {
        made = new Council(address(manager), seats(), threshold);
        manager.grantRole(AT_ONCE, address(made), 0);
        manager.grantRole(LATER, address(made), DELAY);
        manager.grantRole(AT_ONCE, address(this), 0);
    }

    function seats() private pure returns (Seat[] memory list) {
        list = new Seat[](5);
        list[0] = Seat(PROVIDER, Chamber.Providers);
        list[1] = Seat(PROVIDER_2, Chamber.Providers);
        list[2] = Seat(REGULATOR, Chamber.Regulators);
        list[3] = Seat(REGULATOR_2, Chamber.Regulators);
        list[4] = Seat(ADVOCATE, Chamber.Advocates);
    }

    function propose(address holder, bytes memory call) private returns (uint256) {
        vm.prank(holder);
        return council.propose(address(members), call);
    }

    function approve(address holder, uint256 id) private {
        vm.prank(holder);
        council.approve(id);
    }

    function stop(address holder, uint256 id) private {
        vm.prank(holder);
        council.stop(id);
    }

    function requireState(uint256 id, ActState state) private view {
        vm.assertTrue(council.actOf(id).state == state, "state");
    }

    function one(bytes4 selector) private pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = selector;
    }
}
