// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Backing, Grant, Objection, Renewal, Revocation, Withdrawal} from "../consent/ConsentTypes.sol";
import {ConsentState} from "../consent/ConsentWord.sol";
import {IConsentRegistry} from "../consent/IConsentRegistry.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {Delegation} from "./PatientTypes.sol";
import {Quarters} from "./Quarters.sol";
import {Rights, SignerKind, SignerRights} from "./Rights.sol";

contract DelegationTest is ConsentExpectations {
    uint256 private constant HELPER_KEY = 0x4E19E2;
    bytes32 private constant GUARDED = keccak256("a child's handle");

    function test_aDelegateActsWithinItsBounds() public {
        appoint(nextDelegation(HELPER_KEY));
        send(nextGrant(HANDLE, SCOPE), HELPER_KEY);
        requireState(ConsentState.Permit, 1);
        revokeBy(HELPER_KEY, 1);
        requireState(ConsentState.Silent, 2);
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, 2);
        consents.object(o, signerOf(HELPER_KEY), sign(HELPER_KEY, objectionDigest(o)));
        patients.lock(HANDLE, 0, signerOf(HELPER_KEY), sign(HELPER_KEY, lockDigest(HANDLE, 0)));
        bytes memory signature = sign(HELPER_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        patients.unlock(HANDLE, 1, DEADLINE, signerOf(HELPER_KEY), signature);
        vm.assertTrue(!patients.isOwner(HANDLE, signerHashOf(HELPER_KEY)), "no owner");
    }

    function testFuzz_eachActIsAllowedOrNot(uint8 acts) public {
        acts = acts & 63;
        if (acts == 0) return;
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.acts = acts;
        appoint(d);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        if (acts & 1 == 0) vm.expectRevert(notAllowed(1, acts));
        send(g, HELPER_KEY);
        Revocation memory r = Revocation(HANDLE, keccak256("another"), 0);
        bytes memory signature = sign(HELPER_KEY, revocationDigest(r));
        if (acts & 2 == 0) vm.expectRevert(notAllowed(2, acts));
        consents.revoke(r, signerOf(HELPER_KEY), signature);
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, 9);
        signature = sign(HELPER_KEY, objectionDigest(o));
        if (acts & 4 == 0) vm.expectRevert(notAllowed(4, acts));
        consents.object(o, signerOf(HELPER_KEY), signature);
        send(Objection(HANDLE, SCOPE, TERMS, 10));
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        signature = sign(HELPER_KEY, withdrawalDigest(w));
        if (acts & 8 == 0) vm.expectRevert(notAllowed(8, acts));
        consents.withdrawObjection(w, signerOf(HELPER_KEY), signature);
        lockHandle(HANDLE, 0);
        signature = sign(HELPER_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        if (acts & 32 == 0) vm.expectRevert(notAllowed(32, acts));
        patients.unlock(HANDLE, 1, DEADLINE, signerOf(HELPER_KEY), signature);
        signature = sign(HELPER_KEY, lockDigest(HANDLE, 1));
        if (acts & 16 == 0) vm.expectRevert(notAllowed(16, acts));
        patients.lock(HANDLE, 1, signerOf(HELPER_KEY), signature);
    }

    function test_aDelegateGrantsNoLongerThanItMay() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.longestDays = 30;
        appoint(d);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.untilDay = TODAY + 31;
        vm.expectRevert(tooLong(TODAY, TODAY + 31, 30));
        send(g, HELPER_KEY);
        (g.fromDay, g.untilDay) = (TODAY + 1, TODAY + 31);
        vm.expectRevert(tooLong(TODAY + 1, TODAY + 31, 30));
        send(g, HELPER_KEY);
        (g.fromDay, g.untilDay) = (TODAY - 1, TODAY + 30);
        vm.expectRevert(tooLong(TODAY - 1, TODAY + 30, 30));
        send(g, HELPER_KEY);
        g.fromDay = TODAY;
        send(g, HELPER_KEY);
    }

    function test_aDelegateSetsOnlyTheFlagsThatItMay() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.flags = 1;
        appoint(d);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 3;
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentDelegateFlags.selector, signerHashOf(HELPER_KEY), 3, 1
            )
        );
        send(g, HELPER_KEY);
        g.flags = 1;
        send(g, HELPER_KEY);
    }

    function test_aDelegateWidensOnlyTheScopesThatItCanProve() public {
        bytes32 other = keccak256("another scope");
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leafOf(other);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.scopes = pair(leafOf(SCOPE), proof[0]);
        appoint(d);

        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(notInScope(SCOPE, d.bounds.scopes));
        send(g, HELPER_KEY);
        grantWith(g, proof);
        requireState(ConsentState.Permit, 1);

        g = nextGrant(HANDLE, keccak256("a third scope"));
        bytes memory signature = sign(HELPER_KEY, grantDigest(g));
        vm.expectRevert(notInScope(g.scope, d.bounds.scopes));
        consents.grantWith(g, Backing(proof, 0, ""), signerOf(HELPER_KEY), signature);

        send(Objection(HANDLE, SCOPE, TERMS, 1));
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        signature = sign(HELPER_KEY, withdrawalDigest(w));
        vm.expectRevert(notInScope(SCOPE, d.bounds.scopes));
        consents.withdrawObjection(w, signerOf(HELPER_KEY), signature);
        revokeBy(HELPER_KEY, 2);
    }

    function test_aDelegateRenewsOnlyTheScopesThatItCanProve() public {
        send(nextGrant(HANDLE, SCOPE));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leafOf(keccak256("another scope"));
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.scopes = pair(leafOf(SCOPE), proof[0]);
        appoint(d);
        Renewal memory r = Renewal(HANDLE, SCOPE, TERMS, TODAY + 9, 2, 0, DEADLINE);
        bytes memory signature = sign(HELPER_KEY, renewalDigest(r));
        vm.expectRevert(notInScope(SCOPE, d.bounds.scopes));
        consents.renew(r, new bytes32[](0), signerOf(HELPER_KEY), signature);
        consents.renew(r, proof, signerOf(HELPER_KEY), signature);
        requireState(ConsentState.Permit, 2);
    }

    function test_aDelegateRenewsNoLongerThanItMay() public {
        send(nextGrant(HANDLE, SCOPE));
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.longestDays = 30;
        appoint(d);
        Renewal memory r = Renewal(HANDLE, SCOPE, TERMS, TODAY + 31, 2, 0, DEADLINE);
        bytes memory signature = sign(HELPER_KEY, renewalDigest(r));
        vm.expectRevert(tooLong(TODAY, TODAY + 31, 30));
        consents.renew(r, new bytes32[](0), signerOf(HELPER_KEY), signature);
    }

    function test_aGrantWithoutAProofProvesNothing() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.scopes = pair(leafOf(SCOPE), 0);
        appoint(d);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(notInScope(SCOPE, d.bounds.scopes));
        send(g, HELPER_KEY);
    }

    function test_anAppointmentsLastDayEndsAtMidnight() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        (d.bounds.untilDay, d.deadline) = (TODAY, type(uint64).max);
        vm.warp((uint256(TODAY) + 1) * 1 days);
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEndPassed.selector, TODAY, TODAY + 1));
        appoint(d);
        vm.warp((uint256(TODAY) + 1) * 1 days - 1);
        appoint(d);
    }

    function test_aDelegatePastItsEndDoesNothing() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.untilDay = TODAY;
        appoint(d);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.untilDay, g.deadline) = (TODAY + 5, type(uint64).max);
        vm.warp((uint256(TODAY) + 1) * 1 days);
        bytes memory ended = abi.encodeWithSelector(
            SignerRights.SignerEnded.selector, HANDLE, signerHashOf(HELPER_KEY), TODAY, TODAY + 1
        );
        vm.expectRevert(ended);
        send(g, HELPER_KEY);
        bytes memory signature = sign(HELPER_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(ended);
        patients.lock(HANDLE, 0, signerOf(HELPER_KEY), signature);
    }

    function test_aDelegationEndsByThePatientOrTheDelegate() public {
        appoint(nextDelegation(HELPER_KEY));
        vm.expectEmit(address(patients));
        emit IPatientRegistry.DelegateEnded(HANDLE, signerHashOf(HELPER_KEY), 2, signerHashOf(PATIENT_KEY));
        endDelegation(PATIENT_KEY, HELPER_KEY, 1);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(notOwner(HELPER_KEY));
        send(g, HELPER_KEY);

        Delegation memory d = nextDelegation(HELPER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientVersionMismatch.selector, HANDLE, 1, 3)
        );
        appoint(d);
        d.version = 3;
        appoint(d);
        endDelegation(PATIENT_KEY, HELPER_KEY, 1);
        send(g, HELPER_KEY);
        endDelegation(HELPER_KEY, HELPER_KEY, 3);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientSignerNotOwner.selector, HANDLE, signerHashOf(HELPER_KEY)
            )
        );
        endDelegation(HELPER_KEY, HELPER_KEY, 4);
    }

    function test_aDelegateAppointsNobodyAndEndsNobodyElse() public {
        appoint(nextDelegation(HELPER_KEY));
        Delegation memory d = nextDelegation(STRANGER_KEY);
        bytes memory signature = sign(HELPER_KEY, delegationDigest(d));
        bytes memory refusal = abi.encodeWithSelector(
            IPatientRegistry.PatientSignerNotOwner.selector, HANDLE, signerHashOf(HELPER_KEY)
        );
        vm.expectRevert(refusal);
        patients.appoint(d, signerOf(HELPER_KEY), signature);
        vm.expectRevert(refusal);
        endDelegation(HELPER_KEY, STRANGER_KEY, 1);
    }

    function test_whoOwnsTheHandleIsNoDelegate() public {
        bytes memory bound = abi.encodeWithSelector(
            IPatientRegistry.PatientSignerBound.selector, HANDLE, signerHashOf(PATIENT_KEY)
        );
        Delegation memory d = nextDelegation(PATIENT_KEY);
        vm.expectRevert(bound);
        appoint(d);
        vm.expectRevert(bound);
        endDelegation(PATIENT_KEY, PATIENT_KEY, 0);
    }

    function test_anAppointmentIsAWideningAct() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.acts = 64;
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientActsUnknown.selector, 64));
        appoint(d);
        d.bounds.acts = 0;
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientActsUnknown.selector, 0));
        appoint(d);
        d.bounds.acts = 1;
        d.bounds.flags = 16;
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientFlagsUnknown.selector, 16));
        appoint(d);
        d.bounds.flags = 0;
        d.bounds.untilDay = TODAY - 1;
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEndPassed.selector, TODAY - 1, TODAY));
        appoint(d);
        d.bounds.untilDay = TODAY;
        d.epoch = 1;
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientEpochMismatch.selector, HANDLE, 1, 0)
        );
        appoint(d);
        d.epoch = 0;
        d.deadline = uint64(NOW - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientDeadlinePassed.selector, HANDLE, NOW - 1, NOW
            )
        );
        appoint(d);
        d.deadline = DEADLINE;
        lockHandle(HANDLE, 0);
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientHandleLocked.selector, HANDLE));
        appoint(d);
    }

    function testFuzz_anAppointmentAlteredInAnyFieldIsRefused(uint8 field, uint16 change) public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.acts = 1;
        d.bounds.flags = 1;
        bytes memory signature = sign(PATIENT_KEY, delegationDigest(d));
        field %= 7;
        if (field == 0) d.delegate = keccak256(abi.encode(change));
        if (field == 1) d.bounds.acts = uint8(2 + (change % 62));
        if (field == 2) d.bounds.flags = uint8(2 + (change % 14));
        if (field == 3) d.bounds.longestDays += 1 + (change % 1000);
        if (field == 4) d.bounds.untilDay += 1 + (change % 1000);
        if (field == 5) d.bounds.scopes = keccak256(abi.encode(change));
        if (field == 6) d.deadline += 1 + uint64(change);
        vm.expectRevert(badSignature(PATIENT_KEY, delegationDigest(d)));
        patients.appoint(d, signerOf(PATIENT_KEY), signature);
    }

    function test_noVersionFollowsTheLast() public {
        uint24 last = type(uint24).max;
        bytes memory exhausted =
            abi.encodeWithSelector(IPatientRegistry.PatientVersionExhausted.selector, HANDLE, last);
        vm.expectRevert(exhausted);
        endDelegation(PATIENT_KEY, HELPER_KEY, last);
        endDelegation(PATIENT_KEY, HELPER_KEY, last - 2);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.version = last;
        vm.expectRevert(exhausted);
        appoint(d);
    }

    function test_anOldEndChangesNothing() public {
        endDelegation(PATIENT_KEY, HELPER_KEY, 4);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.DelegateUnchanged(HANDLE, signerHashOf(HELPER_KEY), 3, 5);
        endDelegation(PATIENT_KEY, HELPER_KEY, 3);
    }

    function test_aGuardianDoesAllUntilItsEnd() public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        bindGuarded(end);
        Grant memory g = nextGrant(GUARDED, SCOPE);
        g.deadline = type(uint64).max;
        send(g, HELPER_KEY);
        Delegation memory d = nextDelegation(STRANGER_KEY);
        (d.handle, d.deadline) = (GUARDED, DEADLINE);
        patients.appoint(d, signerOf(HELPER_KEY), sign(HELPER_KEY, delegationDigest(d)));
        vm.assertTrue(!patients.isOwner(GUARDED, signerHashOf(HELPER_KEY)), "no owner");

        vm.warp((uint256(end) + 1) * 1 days);
        g.version = 2;
        bytes memory ended = abi.encodeWithSelector(
            SignerRights.SignerEnded.selector, GUARDED, signerHashOf(HELPER_KEY), end, end + 1
        );
        vm.expectRevert(ended);
        send(g, HELPER_KEY);
        (d.version, d.deadline, d.bounds.untilDay) = (2, type(uint64).max, end + 9);
        bytes memory signature = sign(HELPER_KEY, delegationDigest(d));
        vm.expectRevert(ended);
        patients.appoint(d, signerOf(HELPER_KEY), signature);
    }

    function testFuzz_aGuardiansEndIsTheLastDayOfAQuarter(uint16 day) public {
        if (day < TODAY || day > 65_000) day = TODAY + (day % 1000);
        uint256 end = Quarters.lastDay(day);
        vm.assertTrue(end >= day && end - day < 92, "within the quarter");
        vm.assertTrue(Quarters.lastDay(end) == end && Quarters.lastDay(end + 1) >= end + 90, "the next one follows");
        if (end == day) return;
        bytes memory signature = sign(HELPER_KEY, guardianDigest(day));
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEndNotRounded.selector, day, end));
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, day, DEADLINE, signerOf(HELPER_KEY), signature);
    }

    function test_quartersEndWhereTheCalendarSays() public pure {
        // 2027-01-15 → 2027-03-31; 2028-02-29 → 2028-03-31; 2026-12-31 is one; 2100-01-01 → 2100-03-31.
        vm.assertEq(Quarters.lastDay(20_833), 20_908, "2027");
        vm.assertEq(Quarters.lastDay(21_243), 21_274, "2028");
        vm.assertEq(Quarters.lastDay(20_818), 20_818, "2026");
        vm.assertEq(Quarters.lastDay(47_482), 47_571, "2100");
    }

    function test_aGuardiansBindingIsRefusedWhereABindingIs() public {
        bytes memory signature = sign(HELPER_KEY, guardianDigest(TODAY - 1));
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEndPassed.selector, TODAY - 1, TODAY));
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, TODAY - 1, DEADLINE, signerOf(HELPER_KEY), signature);
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientHandleBound.selector, HANDLE, HOSPITAL_A)
        );
        vm.prank(OPERATOR_A);
        patients.bindGuardian(HANDLE, TODAY, DEADLINE, signerOf(HELPER_KEY), signature);
    }

    function test_breakGlassIsSwitchedOffAndOnByThePatient() public {
        vm.expectEmit(address(patients));
        emit IPatientRegistry.BreakGlassSwitched(HANDLE, true, 1, signerHashOf(PATIENT_KEY));
        switchOff(0);
        vm.assertTrue(wordOf(HANDLE).isBreakGlassOff(), "off");
        switchOn(2, PATIENT_KEY);
        vm.assertTrue(!wordOf(HANDLE).isBreakGlassOff(), "on");
        vm.expectEmit(address(patients));
        emit IPatientRegistry.BreakGlassUnchanged(HANDLE, 0, 2);
        switchOff(0);
        vm.assertTrue(!wordOf(HANDLE).isBreakGlassOff(), "the old signature changes nothing");
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientVersionMismatch.selector, HANDLE, 2, 3)
        );
        switchOn(2, PATIENT_KEY);
        appoint(nextDelegation(HELPER_KEY));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientSignerNotOwner.selector, HANDLE, signerHashOf(HELPER_KEY)
            )
        );
        switchOn(3, HELPER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientVersionExhausted.selector, HANDLE, type(uint16).max
            )
        );
        switchOff(type(uint16).max);
    }

    function switchOff(uint16 upTo) private {
        bytes32 typeHash = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
        bytes memory signature = sign(PATIENT_KEY, patientsDigest(keccak256(abi.encode(typeHash, HANDLE, upTo))));
        patients.switchBreakGlassOff(HANDLE, upTo, signerOf(PATIENT_KEY), signature);
    }

    function switchOn(uint16 version, uint256 key) private {
        bytes32 typeHash = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, HANDLE, version, 0, DEADLINE));
        patients.switchBreakGlassOn(HANDLE, version, 0, DEADLINE, signerOf(key), sign(key, patientsDigest(structHash)));
    }

    function bindGuarded(uint16 end) private {
        bytes memory signature = sign(HELPER_KEY, guardianDigest(end));
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, end, DEADLINE, signerOf(HELPER_KEY), signature);
        (Rights rights, , ) = patients.rightsOf(GUARDED, signerHashOf(HELPER_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Guardian, "guardian");
    }

    function guardianDigest(uint16 end) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, GUARDED, HOSPITAL_A, dateHash(end), DEADLINE)));
    }

    function grantWith(Grant memory g, bytes32[] memory proof) private {
        bytes memory signature = sign(HELPER_KEY, grantDigest(g));
        consents.grantWith(g, Backing(proof, 0, ""), signerOf(HELPER_KEY), signature);
    }

    function revokeBy(uint256 key, uint24 upTo) private {
        Revocation memory r = Revocation(HANDLE, SCOPE, upTo);
        consents.revoke(r, signerOf(key), sign(key, revocationDigest(r)));
    }

    function leafOf(bytes32 scope) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(keccak256(abi.encodePacked(scope))));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encodePacked(a, b)) : keccak256(abi.encodePacked(b, a));
    }

    function notAllowed(uint8 act, uint8 acts) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            SignerRights.SignerActNotAllowed.selector, HANDLE, signerHashOf(HELPER_KEY), act, acts
        );
    }

    function tooLong(uint16 from, uint16 until, uint16 longest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentDelegatePeriodTooLong.selector, signerHashOf(HELPER_KEY), from, until, longest
        );
    }

    function notInScope(bytes32 scope, bytes32 root) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentDelegateScope.selector, signerHashOf(HELPER_KEY), scope, root
        );
    }
}
