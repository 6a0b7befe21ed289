// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Council} from "./Council.sol";
import {ActState, Chamber, CouncilAct, ICouncil, Seat} from "./ICouncil.sol";
import {ISuccession} from "./ISuccession.sol";
import {Succession} from "./Succession.sol";

contract CouncilTest is Deployment {
    uint64 private constant AT_ONCE = 1;
    uint64 private constant LATER = 2;
    uint32 private constant DELAY = 14 days;
    bytes32 private constant HOSPITAL_C = keccak256("urn:oid:2.999.1|hospital-c");
    address private constant PROVIDER = address(0xC1);
    address private constant PROVIDER_2 = address(0xC11);
    address private constant REGULATOR = address(0xC2);
    address private constant ADVOCATE = address(0xC3);

    Council private council;
    Succession private succession;

    /// @dev As in production: the deployer gives all its power to the council, and keeps none.
    function setUp() public override {
        super.setUp();
        council = new Council(address(manager), seats(), 3);
        succession = new Succession(address(manager), members);
        manager.setTargetFunctionRole(address(members), one(IMemberRegistry.suspend.selector), AT_ONCE);
        manager.setTargetFunctionRole(address(members), one(IMemberRegistry.admit.selector), LATER);
        manager.setTargetFunctionRole(address(council), one(ICouncil.setSeat.selector), LATER);
        manager.setTargetFunctionRole(address(succession), one(ISuccession.announce.selector), LATER);
        manager.grantRole(AT_ONCE, address(council), 0);
        manager.grantRole(LATER, address(council), DELAY);
        manager.renounceRole(manager.ADMIN_ROLE(), address(this));
    }

    function test_aVoteOfEachChamberSuspendsAtOnce() public {
        uint256 id = proposeSuspension();
        approve(REGULATOR, id);
        vm.assertTrue(members.memberState(HOSPITAL_B).status == MemberStatus.Live, "two votes do nothing");
        approve(ADVOCATE, id);
        vm.assertTrue(members.memberState(HOSPITAL_B).status == MemberStatus.Suspended, "suspended");
        requireState(id, ActState.Done);
    }

    function test_votesWithoutAChamberCarryNothing() public {
        uint256 id = proposeSuspension();
        approve(PROVIDER_2, id);
        approve(REGULATOR, id);
        requireState(id, ActState.Proposed);
        approve(ADVOCATE, id);
        requireState(id, ActState.Done);
    }

    function test_anAdmissionWaitsFourteenDays() public {
        uint256 id = carriedAdmission();
        requireState(id, ActState.Scheduled);
        vm.warp(NOW + DELAY - 1);
        (bool success, ) = address(council).call(abi.encodeCall(ICouncil.perform, (id)));
        vm.assertTrue(!success, "too early");
        vm.warp(NOW + DELAY);
        council.perform(id);
        vm.assertTrue(members.memberState(HOSPITAL_C).status == MemberStatus.Live, "admitted");
        vm.expectRevert(stateInvalid(id, ActState.Done));
        council.perform(id);
    }

    function test_anyOneChamberStopsAScheduledAct() public {
        uint256 id = carriedAdmission();
        vm.prank(PROVIDER);
        council.stop(id);
        requireState(id, ActState.Scheduled);
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilVotedTwice.selector, id, PROVIDER));
        vm.prank(PROVIDER);
        council.stop(id);
        vm.expectEmit(address(council));
        emit ICouncil.ActStopped(id, Chamber.Advocates);
        vm.prank(ADVOCATE);
        council.stop(id);
        vm.warp(NOW + DELAY);
        vm.expectRevert(stateInvalid(id, ActState.Stopped));
        council.perform(id);
        vm.expectRevert(stateInvalid(id, ActState.Stopped));
        vm.prank(REGULATOR);
        council.stop(id);
    }

    function test_aProposalIsStoppedAsWell() public {
        uint256 id = proposeSuspension();
        vm.prank(REGULATOR);
        council.stop(id);
        vm.expectRevert(stateInvalid(id, ActState.Stopped));
        approve(ADVOCATE, id);
    }

    function test_onlySeatsVoteAndOnce() public {
        uint256 id = proposeSuspension();
        bytes memory missing = abi.encodeWithSelector(ICouncil.CouncilSeatMissing.selector, OPERATOR_A);
        vm.expectRevert(missing);
        approve(OPERATOR_A, id);
        vm.expectRevert(missing);
        vm.prank(OPERATOR_A);
        council.propose(address(members), "");
        vm.expectRevert(missing);
        vm.prank(OPERATOR_A);
        council.stop(id);
        vm.expectRevert(missing);
        vm.prank(OPERATOR_A);
        council.rotate(OPERATOR_B);
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilVotedTwice.selector, id, PROVIDER));
        approve(PROVIDER, id);
    }

    function test_aSeatRotatesItsKeyAndVotesBeginAnew() public {
        uint256 id = proposeSuspension();
        uint32 round = council.actOf(id).round;
        vm.prank(REGULATOR);
        council.rotate(address(0xC22));
        vm.assertTrue(council.chamberOf(REGULATOR) == Chamber.None, "the old key is out");
        vm.expectRevert(
            abi.encodeWithSelector(ICouncil.CouncilRoundPassed.selector, id, round, round + 2)
        );
        approve(ADVOCATE, id);
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilSeatTaken.selector, PROVIDER));
        vm.prank(ADVOCATE);
        council.rotate(PROVIDER);
    }

    function test_whatTheCouncilMayNotCallIsRefused() public {
        vm.prank(PROVIDER);
        uint256 id = council.propose(address(members), abi.encodeCall(IMemberRegistry.remove, (HOSPITAL_B)));
        approve(REGULATOR, id);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICouncil.CouncilNotAuthorized.selector, address(members), IMemberRegistry.remove.selector
            )
        );
        approve(ADVOCATE, id);
    }

    function test_seatsChangeByTheCouncilsOwnActAfterTheDelay() public {
        uint256 id = carried(address(council), abi.encodeCall(ICouncil.setSeat, (address(0xC4), Chamber.Regulators)));
        vm.warp(NOW + DELAY);
        council.perform(id);
        vm.assertEq(council.seatsOf(Chamber.Regulators), 2, "seats");
        (bool success, ) =
            address(council).call(abi.encodeCall(ICouncil.setSeat, (address(this), Chamber.Providers)));
        vm.assertTrue(!success, "nobody else");

        id = carried(address(council), abi.encodeCall(ICouncil.setSeat, (ADVOCATE, Chamber.None)));
        vm.warp(NOW + 2 * DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(ICouncil.CouncilTooSmall.selector, Chamber.Advocates, 4, 3)
        );
        council.perform(id);
    }

    function test_aCouncilHasThreeChambersAndAThresholdThatTheyCanReach() public {
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilThresholdInvalid.selector, 2, 4));
        new Council(address(manager), seats(), 2);
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilThresholdInvalid.selector, 5, 4));
        new Council(address(manager), seats(), 5);
        Seat[] memory lopsided = seats();
        lopsided[3].chamber = Chamber.Regulators;
        vm.expectRevert(
            abi.encodeWithSelector(ICouncil.CouncilTooSmall.selector, Chamber.Advocates, 4, 3)
        );
        new Council(address(manager), lopsided, 3);
        lopsided[3].chamber = Chamber.None;
        vm.expectRevert(abi.encodeWithSelector(ICouncil.CouncilSeatMissing.selector, ADVOCATE));
        new Council(address(manager), lopsided, 3);
    }

    function test_aSuccessorTakesEffectAtAMemberThatAcceptsIt() public {
        address old = address(consents);
        address next = address(accessLog);
        uint256 id = carried(address(succession), abi.encodeCall(ISuccession.announce, (old, next)));
        vm.warp(NOW + DELAY);
        council.perform(id);
        (address successor, bytes32 codeHash) = succession.successorOf(old);
        vm.assertTrue(successor == next && codeHash == next.codehash, "announced");
        vm.assertTrue(succession.acceptedBy(HOSPITAL_A, old) == address(0), "not by itself");
        vm.prank(OPERATOR_A);
        succession.accept(old, next);
        vm.assertTrue(succession.acceptedBy(HOSPITAL_A, old) == next, "accepted");
        vm.assertTrue(succession.acceptedBy(HOSPITAL_B, old) == address(0), "one by one");

        vm.expectRevert(
            abi.encodeWithSelector(ISuccession.SuccessorNotAnnounced.selector, old, address(1), next)
        );
        vm.prank(OPERATOR_B);
        succession.accept(old, address(1));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISuccession.SuccessorNotAnnounced.selector, address(1), address(0), address(0)
            )
        );
        vm.prank(OPERATOR_B);
        succession.accept(address(1), address(0));
        vm.expectRevert(abi.encodeWithSelector(ISuccession.SuccessorMemberInvalid.selector, address(this)));
        succession.accept(old, next);
        vm.etch(next, hex"00");
        vm.expectRevert(
            abi.encodeWithSelector(ISuccession.SuccessorCodeChanged.selector, next, keccak256(hex"00"), codeHash)
        );
        vm.prank(OPERATOR_B);
        succession.accept(old, next);
    }

    function test_aSuccessorHasCode() public {
        bytes memory call = abi.encodeCall(ISuccession.announce, (address(consents), address(0xE0A)));
        uint256 id = carried(address(succession), call);
        vm.warp(NOW + DELAY);
        vm.expectRevert(abi.encodeWithSelector(ISuccession.SuccessorWithoutCode.selector, address(0xE0A)));
        council.perform(id);
    }

    function seats() private pure returns (Seat[] memory list) {
        list = new Seat[](4);
        list[0] = Seat(PROVIDER, Chamber.Providers);
        list[1] = Seat(PROVIDER_2, Chamber.Providers);
        list[2] = Seat(REGULATOR, Chamber.Regulators);
        list[3] = Seat(ADVOCATE, Chamber.Advocates);
    }

    function proposeSuspension() private returns (uint256) {
        vm.prank(PROVIDER);
        return council.propose(address(members), abi.encodeCall(IMemberRegistry.suspend, (HOSPITAL_B)));
    }

    function carriedAdmission() private returns (uint256) {
        bytes memory call = abi.encodeCall(IMemberRegistry.admit, (HOSPITAL_C, 1, address(0xC11A), "{}"));
        return carried(address(members), call);
    }

    function carried(address target, bytes memory call) private returns (uint256 id) {
        vm.prank(PROVIDER);
        id = council.propose(target, call);
        approve(REGULATOR, id);
        approve(ADVOCATE, id);
    }

    function approve(address holder, uint256 id) private {
        vm.prank(holder);
        council.approve(id);
    }

    function requireState(uint256 id, ActState state) private view {
        CouncilAct memory act = council.actOf(id);
        vm.assertTrue(act.state == state, "state");
    }

    function stateInvalid(uint256 id, ActState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICouncil.CouncilStateInvalid.selector, id, state);
    }

    function one(bytes4 selector) private pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = selector;
    }
}
