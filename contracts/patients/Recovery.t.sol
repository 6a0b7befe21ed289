// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant, Revocation} from "../consent/ConsentTypes.sol";
import {ConsentState} from "../consent/ConsentWord.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {Delegation, Recovery} from "./PatientTypes.sol";
import {Quarters} from "./Quarters.sol";
import {SignerRights} from "./Rights.sol";

contract RecoveryTest is ConsentExpectations {
    uint256 private constant NEW_KEY = 0x4E3;
    uint256 private constant HELPER_KEY = 0x4E19E2;
    address private constant SECOND_REGISTRAR = address(0xA22);

    function setUp() public override {
        super.setUp();
        vm.prank(OPERATOR_A);
        members.setOperator(SECOND_REGISTRAR, true);
    }

    function test_theNewKeyTakesOverAfterSevenDays() public {
        vm.expectEmit(address(patients));
        emit IPatientRegistry.RecoveryStarted(HANDLE, 1, signerHashOf(NEW_KEY), 0, uint64(NOW + 7 days));
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientRecoveryTooEarly.selector, HANDLE, NOW + 7 days, NOW + 7 days - 1
            )
        );
        patients.completeRecovery(HANDLE);
        vm.warp(NOW + 7 days);
        vm.recordLogs();
        patients.completeRecovery(HANDLE);
        vm.assertEq(vm.getRecordedLogs().length, 1, "a patient who takes over is no guardian");

        vm.assertTrue(patients.isOwner(HANDLE, signerHashOf(NEW_KEY)), "new owner");
        vm.assertTrue(!patients.isOwner(HANDLE, signerHashOf(PATIENT_KEY)), "old owner");
        HandleWord word = wordOf(HANDLE);
        vm.assertEq(word.epochOf(), 1, "epoch");
        vm.assertEq(word.generationOf(), 1, "generation");
        vm.assertEq(word.recoveredAtOf(), NOW + 7 days, "recoveredAt");
        vm.assertEq(word.suspectFromOf(), NOW - 30 days, "suspectFrom");
        Recovery memory r = patients.recoveryOf(HANDLE);
        vm.assertEq(r.attempt, 1, "attempt");
        Revocation memory late = Revocation(HANDLE, SCOPE, 0);
        bytes memory signature = sign(PATIENT_KEY, revocationDigest(late));
        vm.expectRevert(notOwner(PATIENT_KEY));
        consents.revoke(late, signerOf(PATIENT_KEY), signature);
    }

    function test_whilePendingNeitherKeyWidensAndBothNarrow() public {
        appoint(nextDelegation(HELPER_KEY));
        send(nextGrant(HANDLE, SCOPE));
        startRecovery(NEW_KEY, 1);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory pending = abi.encodeWithSelector(SignerRights.SignerRecoveryPending.selector, HANDLE);
        vm.expectRevert(pending);
        send(g, PATIENT_KEY);
        vm.expectRevert(pending);
        send(g, NEW_KEY);
        vm.expectRevert(pending);
        send(g, HELPER_KEY);
        Delegation memory d = nextDelegation(STRANGER_KEY);
        vm.expectRevert(pending);
        appoint(d);

        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        consents.revoke(r, signerOf(NEW_KEY), sign(NEW_KEY, revocationDigest(r)));
        requireState(ConsentState.Silent, 2);
        r.upToVersion = 2;
        send(r);
        requireState(ConsentState.Silent, 3);
        patients.lock(HANDLE, 0, signerOf(NEW_KEY), sign(NEW_KEY, lockDigest(HANDLE, 0)));
        lockHandle(HANDLE, 1);
        vm.assertEq(epochOf(HANDLE), 2, "both locked");
        bytes memory signature = sign(PATIENT_KEY, unlockDigest(HANDLE, 2, DEADLINE));
        vm.expectRevert(pending);
        patients.unlock(HANDLE, 2, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function test_aStrangerIsNoCandidate() public {
        startRecovery(NEW_KEY, 1);
        bytes memory signature = sign(STRANGER_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientSignerNotOwner.selector, HANDLE, signerHashOf(STRANGER_KEY)
            )
        );
        patients.lock(HANDLE, 0, signerOf(STRANGER_KEY), signature);
    }

    function test_aVetoKeepsLockEpochAndWhatAnEarlierRecoveryLeft() public {
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        bytes memory signature = sign(NEW_KEY, lockDigest(HANDLE, 1));
        patients.lock(HANDLE, 1, signerOf(NEW_KEY), signature);
        startRecovery(HELPER_KEY, 2);
        veto(NEW_KEY, 2);
        HandleWord word = wordOf(HANDLE);
        vm.assertTrue(word.isLocked(), "a veto unlocks nothing");
        vm.assertEq(word.epochOf(), 2, "epoch");
        vm.assertEq(word.generationOf(), 1, "generation");
        vm.assertEq(word.recoveredAtOf(), NOW + 7 days, "recoveredAt");
        vm.assertEq(word.suspectFromOf(), NOW - 30 days, "suspectFrom");
    }

    function test_theOldKeyVetoesOnceAndTwoRegistrarsOverride() public {
        startRecovery(NEW_KEY, 1);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.RecoveryVetoed(HANDLE, 1, signerHashOf(PATIENT_KEY));
        veto(PATIENT_KEY, 1);
        // The old key has all its rights again, and one registrar alone starts nothing.
        send(nextGrant(HANDLE, SCOPE));
        vm.expectRevert(stateInvalid(RecoveryState.Vetoed));
        startRecovery(NEW_KEY, 2);
        vm.expectRevert(stateInvalid(RecoveryState.Vetoed));
        patients.completeRecovery(HANDLE);

        vm.expectEmit(address(patients));
        emit IPatientRegistry.RecoveryOverrideProposed(HANDLE, 2, signerHashOf(NEW_KEY), OPERATOR_A);
        overrideVeto(OPERATOR_A, NEW_KEY, 2);
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientRegistrarTwice.selector, HANDLE, OPERATOR_A)
        );
        overrideVeto(OPERATOR_A, NEW_KEY, 2);
        overrideVeto(SECOND_REGISTRAR, NEW_KEY, 2);
        vm.assertTrue(wordOf(HANDLE).recoveryOf() == RecoveryState.Overriding, "overriding");
        vm.expectRevert(stateInvalid(RecoveryState.Overriding));
        veto(PATIENT_KEY, 2);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        vm.assertTrue(patients.isOwner(HANDLE, signerHashOf(NEW_KEY)), "new owner");
        // A completed recovery gives the veto back.
        startRecovery(PATIENT_KEY, 3);
        veto(NEW_KEY, 3);
    }

    function test_onlyAVetoIsOverridden() public {
        vm.expectRevert(stateInvalid(RecoveryState.None));
        overrideVeto(OPERATOR_A, NEW_KEY, 1);
        startRecovery(NEW_KEY, 1);
        vm.expectRevert(stateInvalid(RecoveryState.Pending));
        overrideVeto(OPERATOR_A, NEW_KEY, 2);
    }

    function test_anotherKeyNeedsTwoRegistrarsOfItsOwn() public {
        startRecovery(NEW_KEY, 1);
        veto(PATIENT_KEY, 1);
        overrideVeto(OPERATOR_A, NEW_KEY, 2);
        overrideVeto(SECOND_REGISTRAR, STRANGER_KEY, 2);
        vm.assertTrue(wordOf(HANDLE).recoveryOf() == RecoveryState.Vetoed, "still vetoed");
    }

    function test_aVetoIsForOneAttemptAndByTheOwner() public {
        startRecovery(NEW_KEY, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientAttemptMismatch.selector, HANDLE, 2, 1)
        );
        veto(PATIENT_KEY, 2);
        bytes memory refusal = abi.encodeWithSelector(
            IPatientRegistry.PatientSignerNotOwner.selector, HANDLE, signerHashOf(NEW_KEY)
        );
        vm.expectRevert(refusal);
        veto(NEW_KEY, 1);
        bytes memory foreign = sign(STRANGER_KEY, vetoDigest(HANDLE, 1));
        vm.expectRevert(badSignature(PATIENT_KEY, vetoDigest(HANDLE, 1)));
        patients.vetoRecovery(HANDLE, 1, signerOf(PATIENT_KEY), foreign);
    }

    function test_theCustodianTakesARecoveryBackAndAVetoStaysSpent() public {
        startRecovery(NEW_KEY, 1);
        vm.prank(OPERATOR_A);
        patients.cancelRecovery(HANDLE);
        send(nextGrant(HANDLE, SCOPE));
        vm.expectRevert(stateInvalid(RecoveryState.None));
        vm.prank(OPERATOR_A);
        patients.cancelRecovery(HANDLE);

        startRecovery(NEW_KEY, 2);
        veto(PATIENT_KEY, 2);
        overrideVeto(OPERATOR_A, NEW_KEY, 3);
        overrideVeto(SECOND_REGISTRAR, NEW_KEY, 3);
        vm.prank(OPERATOR_A);
        patients.cancelRecovery(HANDLE);
        vm.assertTrue(wordOf(HANDLE).recoveryOf() == RecoveryState.Vetoed, "vetoed");
    }

    function test_onlyTheCustodiansRegistrarsStartOverrideAndCancel() public {
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, 0, DEADLINE));
        bytes memory signer = signerOf(NEW_KEY);
        bytes memory refusal =
            abi.encodeWithSelector(IPatientRegistry.PatientNotCustodian.selector, HANDLE, HOSPITAL_B);
        vm.expectRevert(refusal);
        vm.prank(OPERATOR_B);
        patients.startRecovery(HANDLE, 0, DEADLINE, signer, signature);
        startRecovery(NEW_KEY, 1);
        vm.expectRevert(refusal);
        vm.prank(OPERATOR_B);
        patients.cancelRecovery(HANDLE);
        veto(PATIENT_KEY, 1);
        vm.expectRevert(refusal);
        vm.prank(OPERATOR_B);
        patients.overrideVeto(HANDLE, 0, DEADLINE, signer, signature);
    }

    function testFuzz_aRecoveryAlteredInAnyFieldIsRefused(uint8 field, uint16 change) public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, end, DEADLINE));
        uint64 deadline = DEADLINE;
        uint32 attempt = 1;
        if (field % 3 == 0) end = uint16(Quarters.lastDay(end + 1 + (change % 1000)));
        if (field % 3 == 1) deadline += 1 + uint64(change);
        if (field % 3 == 2) {
            startRecovery(NEW_KEY, 1);
            vm.prank(OPERATOR_A);
            patients.cancelRecovery(HANDLE);
            attempt = 2;
        }
        vm.expectRevert(badSignature(NEW_KEY, recoveryDigest(HANDLE, attempt, end, deadline)));
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, end, deadline, signerOf(NEW_KEY), signature);
    }

    function test_aRecoveryToTheKeyThatIsThereIsRefused() public {
        bytes memory signature = sign(PATIENT_KEY, recoveryDigest(HANDLE, 1, 0, DEADLINE));
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientSignerBound.selector, HANDLE, signerHashOf(PATIENT_KEY)
            )
        );
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, 0, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function test_aGuardianMayTakeOverUntilAnEnd() public {
        uint16 end = uint16(Quarters.lastDay(TODAY + 100));
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, end, DEADLINE));
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, end, DEADLINE, signerOf(NEW_KEY), signature);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.epoch, g.deadline) = (1, type(uint64).max);
        send(g, NEW_KEY);
        vm.assertTrue(!patients.isOwner(HANDLE, signerHashOf(NEW_KEY)), "a guardian is no owner");
    }

    function test_delegatesAreDroppedAndGrantsOfTheLastThirtyDaysSuspended() public {
        appoint(nextDelegation(HELPER_KEY));
        send(nextGrant(HANDLE, SCOPE));
        uint32 minedAt = uint32(NOW);
        vm.warp(NOW + 30 days);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 37 days);
        patients.completeRecovery(HANDLE);
        vm.assertTrue(wordOf(HANDLE).suspends(minedAt), "suspended");
        vm.assertTrue(!wordOf(HANDLE).suspends(minedAt - 1), "the day before is not");
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.deadline, g.version) = (type(uint64).max, 2);
        vm.expectRevert(notOwner(HELPER_KEY));
        send(g, HELPER_KEY);
        vm.warp(NOW + 37 days + 1);
        send(g, NEW_KEY);
        vm.assertTrue(!wordOf(HANDLE).suspends(consents.wordOf(HANDLE, SCOPE).minedAtOf()), "confirmed");
    }

    function test_aSecondRecoveryRevivesNothing() public {
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        vm.warp(NOW + 300 days);
        startRecovery(PATIENT_KEY, 2);
        vm.warp(NOW + 307 days);
        patients.completeRecovery(HANDLE);
        vm.assertTrue(wordOf(HANDLE).suspends(uint32(NOW)), "what the first suspended");
        vm.assertTrue(patients.isOwner(HANDLE, signerHashOf(PATIENT_KEY)), "the old key again");
    }

    function test_atTheLastEpochNothingIsRecovered() public {
        startRecovery(NEW_KEY, 1);
        lockHandle(HANDLE, type(uint32).max - 1);
        vm.warp(NOW + 7 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientEpochExhausted.selector, HANDLE, type(uint32).max
            )
        );
        patients.completeRecovery(HANDLE);
    }

    function test_aLockAndTheBreakGlassSwitchOutliveARecovery() public {
        lockHandle(HANDLE, 0);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        vm.assertTrue(wordOf(HANDLE).isLocked(), "locked");
        vm.assertEq(epochOf(HANDLE), 2, "epoch");
    }

    function stateInvalid(RecoveryState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPatientRegistry.PatientRecoveryStateInvalid.selector, HANDLE, state);
    }
}
