// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus} from "../members/MemberTypes.sol";
import {SignerRights} from "../patients/Rights.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {Vm, vm} from "../test/Vm.t.sol";
import {Backing, Grant, Objection, Referral, Renewal, Revocation} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title Approvals, renewals and referrals: what rests on a grant
contract ConsentBackingTest is ConsentExpectations {
    uint256 private constant DESK_KEY = 0xDE5C;
    bytes32 private constant REFERRAL = keccak256("a referral");

    function setUp() public override {
        super.setUp();
        address desk = vm.addr(DESK_KEY);
        vm.prank(OPERATOR_A);
        members.setOperator(desk, true);
    }

    function test_aGrantThatNeedsApprovalLandsTogetherWithIt() public {
        Grant memory g = approvable();
        vm.expectRevert(missing());
        send(g);
        sendWith(g, Backing(new bytes32[](0), DEADLINE, approve(DESK_KEY, g)));
        requireState(ConsentState.Permit, 1);
        vm.assertEq(consents.wordOf(HANDLE, SCOPE).flagsOf(), 4 | 16, "flags");
    }

    function test_anApprovalIsTheCustodiansOwnAndInTime() public {
        Grant memory g = approvable();
        Backing memory none = Backing(new bytes32[](0), DEADLINE, "");
        vm.expectRevert(missing());
        sendWith(g, none);
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, vm.addr(STRANGER_KEY))
        );
        sendWith(g, Backing(none.proof, DEADLINE, approve(STRANGER_KEY, g)));
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentApprovalForeign.selector, HANDLE, address(0))
        );
        sendWith(g, Backing(none.proof, DEADLINE, new bytes(65)));

        address foreign = vm.addr(STRANGER_KEY);
        vm.prank(OPERATOR_B);
        members.setOperator(foreign, true);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentApprovalForeign.selector, HANDLE, foreign)
        );
        sendWith(g, Backing(none.proof, DEADLINE, approve(STRANGER_KEY, g)));

        bytes memory approval = approve(DESK_KEY, g);
        g.deadline += 100;
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed());
        sendWith(g, Backing(none.proof, DEADLINE, approval));
        vm.warp(NOW);
        members.suspend(HOSPITAL_A);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMemberRegistry.MemberStatusInvalid.selector, HOSPITAL_A, MemberStatus.Suspended
            )
        );
        sendWith(g, Backing(none.proof, DEADLINE, approve(DESK_KEY, g)));
    }

    function test_anApprovalIsForOneGrantOnlyAndForNoneThatDoesNotAsk() public {
        Grant memory g = approvable();
        bytes memory approval = approve(DESK_KEY, g);
        g.terms = keccak256("others");
        // Over another grant the signature yields another account, which is nobody's.
        (bool success, ) = trySendWith(g, Backing(new bytes32[](0), DEADLINE, approval));
        vm.assertTrue(!success, "another grant");
        g.flags = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentApprovalUnasked.selector, HANDLE, SCOPE)
        );
        sendWith(g, Backing(new bytes32[](0), DEADLINE, approval));
    }

    function test_aRenewalKeepsTermsAndFlags() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2 | 8;
        send(g);
        vm.warp(NOW + 10 days);
        Renewal memory r = renewal(2, TODAY + 400);
        vm.recordLogs();
        send(r);
        ConsentWord word = consents.wordOf(HANDLE, SCOPE);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], IConsentRegistry.ConsentGranted.selector, "as a grant");
        vm.assertEq(
            keccak256(logs[0].data), keccak256(abi.encode(word, signerHashOf(PATIENT_KEY))), "the word, and whose"
        );
        requireState(ConsentState.Permit, 2);
        vm.assertEq(word.termsOf(), uint160(uint256(TERMS)), "terms");
        vm.assertEq(word.flagsOf(), 2 | 8, "flags");
        vm.assertEq(word.fromDayOf(), TODAY + 10, "from today");
        vm.assertEq(word.untilDayOf(), TODAY + 400, "until");
        vm.assertEq(word.minedAtOf(), NOW + 10 days, "mined");
        vm.expectRevert(versionMismatch(2, 3));
        send(r);
    }

    function test_aRenewalBeginsOnTheDayOfItsBlock() public {
        send(nextGrant(HANDLE, SCOPE));
        vm.warp((uint256(TODAY) + 7) * 1 days);
        send(renewal(2, TODAY + 9));
        vm.assertEq(consents.wordOf(HANDLE, SCOPE).fromDayOf(), TODAY + 7, "its first second");
        vm.warp((uint256(TODAY) + 8) * 1 days - 1);
        send(renewal(3, TODAY + 9));
        vm.assertEq(consents.wordOf(HANDLE, SCOPE).fromDayOf(), TODAY + 7, "its last second");
    }

    function test_aRenewalOfWhatHasNotBegunBeginsWhenItDid() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.fromDay = TODAY + 5;
        send(g);
        send(renewal(2, TODAY + 9));
        vm.assertEq(consents.wordOf(HANDLE, SCOPE).fromDayOf(), TODAY + 5, "from");
    }

    function test_onlyAPermitOfTheseTermsIsRenewed() public {
        vm.expectRevert(noPermit());
        send(renewal(1, TODAY));
        send(nextGrant(HANDLE, SCOPE));
        Renewal memory r = renewal(2, TODAY);
        r.terms = keccak256("others");
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentTermsMismatch.selector, HANDLE, SCOPE, r.terms, uint160(uint256(TERMS))
            )
        );
        send(r);
        r = renewal(2, TODAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodInverted.selector, TODAY, TODAY - 1)
        );
        send(r);
        r = renewal(2, TODAY);
        r.deadline = uint64(NOW - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentDeadlinePassed.selector, HANDLE, NOW - 1, NOW)
        );
        send(r);
    }

    function test_whatNeedsApprovalIsNotRenewedWithoutIt() public {
        Grant memory g = approvable();
        sendWith(g, Backing(new bytes32[](0), DEADLINE, approve(DESK_KEY, g)));
        vm.expectRevert(missing());
        send(renewal(2, TODAY));
    }

    function testFuzz_aRenewalAlteredInAnyFieldIsRefused(uint8 field, uint16 change) public {
        send(nextGrant(HANDLE, SCOPE));
        Renewal memory r = renewal(2, TODAY + 9);
        bytes memory signature = sign(PATIENT_KEY, renewalDigest(r));
        if (field % 3 == 0) r.untilDay += 1 + (change % 1000);
        if (field % 3 == 1) r.deadline += 1 + uint64(change);
        // Same low 160 bits, which are all that the slot holds.
        if (field % 3 == 2) r.terms = bytes32(uint256(TERMS) ^ (uint256(1) << (160 + (change % 96))));
        vm.expectRevert(badSignature(PATIENT_KEY, renewalDigest(r)));
        consents.renew(r, new bytes32[](0), signerOf(PATIENT_KEY), signature);
    }

    function test_aReferralLivesWithTheVersionThatItRestsOn() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ReferralAnchored(HANDLE, SCOPE, REFERRAL, TODAY + 30, 1);
        refer(TODAY + 30);
        (Referral memory anchored, bool live) = consents.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(live, "live");
        vm.assertEq(anchored.parentVersion, 1, "version");
        vm.warp(NOW + 31 days);
        requireDead();
        vm.warp(NOW);
        lockHandle(HANDLE, 0);
        requireDead();
        unlockHandle(HANDLE, 1);
        send(Revocation(HANDLE, SCOPE, 1));
        requireDead();
        g.version = 3;
        g.epoch = 1;
        send(g);
        requireDead();
    }

    function test_aReferralLivesFromTheFirstToTheLastSecondOfItsDays() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.flags, g.fromDay) = (2, TODAY + 2);
        send(g);
        refer(TODAY + 3);
        uint256 begins = (uint256(TODAY) + 2) * 1 days;
        vm.warp(begins - 1);
        requireDead();
        vm.warp(begins);
        requireLive();
        vm.warp(begins + 2 days - 1);
        requireLive();
        vm.warp(begins + 2 days);
        requireDead();
    }

    function test_aReferralIsAnchoredUntilTheLastSecondOfItsLastDay() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        vm.warp((uint256(TODAY) + 4) * 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodOver.selector, TODAY + 3, TODAY + 4)
        );
        refer(TODAY + 3);
        vm.warp((uint256(TODAY) + 4) * 1 days - 1);
        refer(TODAY + 3);
    }

    function test_onlyTheFlagThatSaysSoAllowsAReferral() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 1 | 8;
        send(g);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentReferralForbidden.selector, HANDLE, SCOPE, 9)
        );
        refer(TODAY);
    }

    function test_aReferralStaysWithinTheParent() public {
        vm.expectRevert(noPermit());
        refer(TODAY);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentReferralForbidden.selector, HANDLE, SCOPE, 0)
        );
        refer(TODAY);
        g.version = 2;
        g.flags = 2;
        send(g);
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentReferralTooLong.selector, TODAY + 366, TODAY + 365
            )
        );
        refer(TODAY + 366);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentPeriodOver.selector, TODAY - 1, TODAY));
        refer(TODAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentNotCustodian.selector, HANDLE, HOSPITAL_B)
        );
        vm.prank(OPERATOR_B);
        consents.anchorReferral(HANDLE, SCOPE, REFERRAL, TODAY);
        vm.prank(OPERATOR_A);
        consents.anchorReferral(HANDLE, SCOPE, keccak256("as long as the permit"), TODAY + 365);
        refer(TODAY);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentReferralTaken.selector, REFERRAL));
        refer(TODAY);
        lockHandle(HANDLE, 0);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleLocked.selector, HANDLE));
        refer(TODAY);
    }

    function test_nothingIsReferredWhileRecoveringNorUnderASuspendedPermit() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        refer(TODAY + 30);
        startRecovery(STRANGER_KEY, 1);
        vm.expectRevert(abi.encodeWithSelector(SignerRights.SignerRecoveryPending.selector, HANDLE));
        refer(TODAY + 30);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentSuspended.selector, HANDLE, SCOPE, NOW));
        refer(TODAY + 30);
        requireDead();
    }

    function test_anOlderPermitOutlivesARecoveryAndCarriesReferrals() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        requireDead();
        uint256 start = NOW + 30 days + 1;
        vm.warp(start);
        startRecovery(STRANGER_KEY, 1);
        vm.warp(start + 7 days);
        patients.completeRecovery(HANDLE);
        refer(TODAY + 40);
        requireLive();
    }

    function test_aPermitMinedThirtyDaysBeforeARecoveryIsSuspended() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        vm.warp(NOW + 30 days);
        startRecovery(STRANGER_KEY, 1);
        vm.warp(NOW + 37 days);
        patients.completeRecovery(HANDLE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentSuspended.selector, HANDLE, SCOPE, NOW));
        refer(TODAY + 40);
    }

    function test_aPermitMinedInTheSecondOfARecoveryIsSuspended() public {
        startRecovery(STRANGER_KEY, 1);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.flags, g.deadline) = (2, type(uint64).max);
        send(g, STRANGER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentSuspended.selector, HANDLE, SCOPE, NOW + 7 days)
        );
        refer(TODAY + 8);
        vm.warp(NOW + 7 days + 1);
        (g.version, g.epoch) = (2, 1);
        send(g, STRANGER_KEY);
        refer(TODAY + 8);
        requireLive();
    }

    function approvable() private view returns (Grant memory g) {
        g = nextGrant(HANDLE, SCOPE);
        g.flags = 4;
    }

    function approve(uint256 key, Grant memory g) private view returns (bytes memory) {
        return sign(key, approvalDigest(grantHash(g), DEADLINE));
    }

    function sendWith(Grant memory g, Backing memory backing) private {
        consents.grantWith(g, backing, signerOf(PATIENT_KEY), sign(PATIENT_KEY, grantDigest(g)));
    }

    function trySendWith(Grant memory g, Backing memory backing) private returns (bool, bytes memory) {
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        return address(consents).call(
            abi.encodeCall(IConsentRegistry.grantWith, (g, backing, signerOf(PATIENT_KEY), signature))
        );
    }

    function renewal(uint24 version, uint16 untilDay) private view returns (Renewal memory) {
        return Renewal(HANDLE, SCOPE, TERMS, untilDay, version, 0, uint64(block.timestamp + 900));
    }

    function send(Renewal memory r) private {
        bytes memory signature = sign(PATIENT_KEY, renewalDigest(r));
        consents.renew(r, new bytes32[](0), signerOf(PATIENT_KEY), signature);
    }

    function refer(uint16 untilDay) private {
        vm.prank(OPERATOR_A);
        consents.anchorReferral(HANDLE, SCOPE, REFERRAL, untilDay);
    }

    function requireDead() private view {
        (, bool live) = consents.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(!live, "dead");
    }

    function requireLive() private view {
        (, bool live) = consents.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(live, "live");
    }

    function missing() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentApprovalMissing.selector, HANDLE, SCOPE);
    }

    function noPermit() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentNoPermit.selector, HANDLE, SCOPE);
    }
}
