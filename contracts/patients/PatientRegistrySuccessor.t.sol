// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ConsentSuccessor} from "../consent/ConsentSuccessor.sol";
import {Grant} from "../consent/ConsentTypes.sol";
import {ConsentState} from "../consent/ConsentWord.sol";
import {IConsentRegistry} from "../consent/IConsentRegistry.sol";
import {ILine} from "../governance/ILine.sol";
import {vm} from "../test/Vm.t.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {PatientRegistry} from "./PatientRegistry.sol";
import {PatientRegistrySuccessor} from "./PatientRegistrySuccessor.sol";
import {Delegation} from "./PatientTypes.sol";
import {Rights, SignerKind, SignerRights} from "./Rights.sol";
import {TwoRegistries} from "./TwoRegistries.t.sol";

contract PatientRegistrySuccessorTest is TwoRegistries {
    function test_aHandleThatNobodyTouchedIsWhatItIsThere() public {
        on(old);
        lockHandle(HANDLE, 0);
        appointHelper();
        requireEqual();
        on(old);
        unlockHandle(HANDLE, 1);
        switchOff(0);
        appointHelper();
        requireEqual();
        (bool word, bool owner) = next.takenOver(HANDLE);
        vm.assertTrue(!word && !owner, "nothing is written");
        (bytes32 custodian, ) = next.handleState(keccak256("no handle"));
        vm.assertEq(custodian, 0, "nor is what is not there");
    }

    function test_aHandleBoundThereLaterIsFollowedAndOneOfEitherIsNotBoundAnew() public {
        bytes32 handle = keccak256("bound later");
        on(old);
        bindHandle(handle);
        (bytes32 custodian, ) = next.handleState(handle);
        vm.assertEq(custodian, HOSPITAL_A, "followed");
        vm.assertTrue(next.isOwner(handle, signerHashOf(PATIENT_KEY)), "and its owner");
        vm.assertEq(next.masterOf(handle), signerHashOf(PATIENT_KEY), "who is the master");
        on(next);
        bytes memory signature = sign(STRANGER_KEY, bindDigest(handle, HOSPITAL_B, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientHandleBound.selector, handle, HOSPITAL_A));
        vm.prank(OPERATOR_B);
        next.bind(handle, DEADLINE, signerOf(STRANGER_KEY), signature);
    }

    function test_aHandleBoundHereIsThisContractsAloneWhoeverBindsItThere() public {
        bytes32 handle = keccak256("bound here");
        on(next);
        bindHandle(handle);
        (bool word, bool owner) = next.takenOver(handle);
        vm.assertTrue(word && owner, "this contract's");
        on(old);
        bytes memory signature = sign(STRANGER_KEY, bindDigest(handle, HOSPITAL_B, DEADLINE));
        vm.prank(OPERATOR_B);
        old.bind(handle, DEADLINE, signerOf(STRANGER_KEY), signature);
        signature = sign(STRANGER_KEY, lockDigest(handle, 0));
        old.lock(handle, 0, signerOf(STRANGER_KEY), signature);
        (bytes32 custodian, HandleWord handleWord) = next.handleState(handle);
        vm.assertEq(custodian, HOSPITAL_A, "custodian");
        vm.assertTrue(HandleWord.unwrap(handleWord) == 0, "not locked by a stranger");
        vm.assertTrue(!next.isOwner(handle, signerHashOf(STRANGER_KEY)), "whom it gives no rights");
        vm.assertEq(next.masterOf(handle), signerHashOf(PATIENT_KEY), "master");
        on(next);
        vm.expectRevert(notOwner(handle, STRANGER_KEY));
        next.lock(handle, 0, signerOf(STRANGER_KEY), sign(STRANGER_KEY, lockDigest(handle, 0)));
        lockHandle(handle, 0);
        unlockHandle(handle, 1);
        vm.assertTrue(next.recoveryOf(handle).attempt == 0, "no recovery of it there counts");
    }

    function test_aLockSignedForThePredecessorCountsHereAndChangesNothingTwice() public {
        on(old);
        bytes memory signature = sign(PATIENT_KEY, lockDigest(HANDLE, 0));
        vm.expectEmit(address(next));
        emit IPatientRegistry.HandleLocked(HANDLE, 1, signerHashOf(PATIENT_KEY));
        next.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
        vm.snapshotGasLastCall("patients", "lock signed for the predecessor");
        requireWord(true, 1);
        vm.expectEmit(address(next));
        emit IPatientRegistry.LockUnchanged(HANDLE, 0, 1);
        next.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
        on(next);
        unlockHandle(HANDLE, 1);
        next.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
        requireWord(false, 1);
        (bool word, bool owner) = next.takenOver(HANDLE);
        vm.assertTrue(word && !owner, "a lock leaves the owner where it is");
    }

    function test_nobodyElsesLockCounts() public {
        on(next);
        bytes memory signature = sign(STRANGER_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(badSignature(PATIENT_KEY, lockDigest(HANDLE, 0)));
        next.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
        vm.expectRevert(notOwner(HANDLE, STRANGER_KEY));
        next.lock(HANDLE, 0, signerOf(STRANGER_KEY), signature);
    }

    function test_aHigherEpochThereLocksHereAtOnceAndOnlyASignatureForThisContractOpens() public {
        on(next);
        lockHandle(HANDLE, 0);
        unlockHandle(HANDLE, 1);
        on(old);
        lockHandle(HANDLE, 0);
        requireWord(false, 1);
        lockHandle(HANDLE, 1);
        requireWord(true, 2);
        unlockHandle(HANDLE, 2);
        requireWord(true, 2);
        bytes memory forOld = sign(PATIENT_KEY, unlockDigest(HANDLE, 2, DEADLINE));
        on(next);
        vm.expectRevert(badSignature(PATIENT_KEY, unlockDigest(HANDLE, 2, DEADLINE)));
        next.unlock(HANDLE, 2, DEADLINE, signerOf(PATIENT_KEY), forOld);
        unlockHandle(HANDLE, 2);
        requireWord(false, 2);
    }

    function test_breakGlassIsSwitchedOffFromThereAndNeverOn() public {
        on(next);
        switchOff(0);
        requireSwitch(true, 1);
        on(old);
        switchOff(0);
        switchOn(2);
        requireSwitch(true, 2);
        on(next);
        switchOn(3);
        requireSwitch(false, 3);
        on(old);
        switchOff(2);
        requireSwitch(false, 3);
        switchOn(4);
        requireSwitch(false, 4);
        switchOff(4);
        requireSwitch(true, 5);
        // And here as well, signed for the predecessor.
        on(next);
        switchOn(6);
        on(old);
        bytes memory signature = sign(PATIENT_KEY, switchOffDigest(6));
        next.switchBreakGlassOff(HANDLE, 6, signerOf(PATIENT_KEY), signature);
        requireSwitch(true, 7);
    }

    function test_aDelegateIsFollowedUntilItIsWrittenHereAndEndedFromThereAfterwards() public {
        on(old);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.scopes = keccak256("a root");
        appoint(d);
        requireDelegate(SignerKind.Delegate, 1);
        (, bytes32 scopes, ) = next.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        vm.assertEq(scopes, d.bounds.scopes, "its scopes");
        on(next);
        d = nextDelegation(HELPER_KEY);
        d.version = 2;
        appoint(d);
        requireDelegate(SignerKind.Delegate, 2);
        (, scopes, ) = next.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        vm.assertEq(scopes, 0, "as appointed here");
        on(old);
        endDelegation(PATIENT_KEY, HELPER_KEY, 1);
        requireDelegate(SignerKind.Delegate, 2);
        endDelegation(PATIENT_KEY, HELPER_KEY, 2);
        requireDelegate(SignerKind.None, 3);
        d.version = 4;
        appoint(d);
        requireDelegate(SignerKind.None, 4);
    }

    function test_anEndSignedForThePredecessorCountsHereAndItsVersionGoesOn() public {
        appointHelper();
        bytes memory signature = sign(PATIENT_KEY, delegationEndDigest(HANDLE, signerHashOf(HELPER_KEY), 1));
        next.endDelegation(HANDLE, signerHashOf(HELPER_KEY), 1, signerOf(PATIENT_KEY), signature);
        requireDelegate(SignerKind.None, 2);
        on(next);
        Delegation memory d = nextDelegation(HELPER_KEY);
        bytes memory early = sign(PATIENT_KEY, delegationDigest(d));
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientVersionMismatch.selector, HANDLE, 1, 3)
        );
        next.appoint(d, signerOf(PATIENT_KEY), early);
        d.version = 3;
        on(old);
        bytes memory forOld = sign(PATIENT_KEY, delegationDigest(d));
        on(next);
        vm.expectRevert(badSignature(PATIENT_KEY, delegationDigest(d)));
        next.appoint(d, signerOf(PATIENT_KEY), forOld);
        appoint(d);
        next.endDelegation(HANDLE, signerHashOf(HELPER_KEY), 1, signerOf(PATIENT_KEY), signature);
        requireDelegate(SignerKind.Delegate, 3);
    }

    function test_aSuccessorOfASuccessorTakesWhatWasSignedForAnyOfTheLine() public {
        on(next);
        switchOff(0);
        PatientRegistrySuccessor third = new PatientRegistrySuccessor(members, passkeys, next);
        address[] memory line = third.predecessors();
        vm.assertTrue(line.length == 2 && line[0] == address(next) && line[1] == address(old), "the line");
        on(old);
        bytes memory signature = sign(PATIENT_KEY, lockDigest(HANDLE, 0));
        third.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
        (bytes32 custodian, HandleWord word) = third.handleState(HANDLE);
        vm.assertTrue(word.isLocked() && word.epochOf() == 1 && word.isBreakGlassOff(), "through both");
        vm.assertEq(custodian, HOSPITAL_A, "custodian");
        vm.assertTrue(third.isOwner(HANDLE, signerHashOf(PATIENT_KEY)), "owner");
    }

    function test_aPredecessorIsAContract() public {
        vm.expectRevert(abi.encodeWithSelector(ILine.PredecessorMissing.selector, address(0xE0A)));
        new PatientRegistrySuccessor(members, passkeys, PatientRegistry(address(0xE0A)));
    }

    function test_consentsFollowTogetherWithTheHandle() public {
        on(old);
        send(nextGrant(HANDLE, SCOPE));
        ConsentSuccessor both = new ConsentSuccessor(members, next, consents);
        vm.assertTrue(both.wordOf(HANDLE, SCOPE).stateOf() == ConsentState.Permit, "followed");
        lockHandle(HANDLE, 0);
        on(next);
        consents = both;
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleLocked.selector, HANDLE));
        both.grant(g, signerOf(PATIENT_KEY), signature);
        unlockHandle(HANDLE, 1);
        send(nextGrant(HANDLE, SCOPE));
        vm.assertEq(both.wordOf(HANDLE, SCOPE).versionOf(), 2, "goes on");
    }

    function test_aGuardianIsFollowedAsOneAndIsTheMaster() public {
        bytes32 handle = keccak256("a child");
        on(old);
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)"),
                handle,
                HOSPITAL_A,
                dateHash(QUARTER_END),
                DEADLINE
            )
        );
        bytes memory signature = sign(HELPER_KEY, patientsDigest(hash));
        vm.prank(OPERATOR_A);
        old.bindGuardian(handle, QUARTER_END, DEADLINE, signerOf(HELPER_KEY), signature);
        vm.assertEq(next.masterOf(handle), signerHashOf(HELPER_KEY), "master");
        (Rights rights, , ) = next.rightsOf(handle, signerHashOf(HELPER_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Guardian && rights.untilDayOf() == QUARTER_END, "guardian");
    }

    function requireEqual() private {
        on(next);
        bytes32[3] memory signers =
            [signerHashOf(PATIENT_KEY), signerHashOf(HELPER_KEY), signerHashOf(STRANGER_KEY)];
        for (uint256 i = 0; i < 3; ++i) {
            (Rights here, , HandleWord word) = next.rightsOf(HANDLE, signers[i]);
            (Rights there, , HandleWord older) = old.rightsOf(HANDLE, signers[i]);
            vm.assertTrue(Rights.unwrap(here) == Rights.unwrap(there), "rights");
            vm.assertTrue(HandleWord.unwrap(word) == HandleWord.unwrap(older), "word");
        }
        vm.assertEq(next.masterOf(HANDLE), old.masterOf(HANDLE), "master");
    }

    function requireWord(bool isLocked, uint32 epoch) private view {
        (, HandleWord word) = next.handleState(HANDLE);
        vm.assertTrue(word.isLocked() == isLocked, "locked");
        vm.assertEq(word.epochOf(), epoch, "epoch");
    }

    function requireSwitch(bool off, uint16 version) private view {
        (, HandleWord word) = next.handleState(HANDLE);
        vm.assertTrue(word.isBreakGlassOff() == off, "off");
        vm.assertEq(word.breakGlassVersionOf(), version, "version");
    }

    function requireDelegate(SignerKind kind, uint24 version) private view {
        (Rights rights, , ) = next.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        vm.assertEq(uint256(rights.kindOf()), uint256(kind), "kind");
        vm.assertEq(next.lastRightsOf(HANDLE, signerHashOf(HELPER_KEY)).rightsVersionOf(), version, "version");
    }
}

contract RecoveryOfALineTest is TwoRegistries {
    function test_aRecoveryThatIsPendingThereStopsWideningHereAndIsFollowed() public {
        on(old);
        startRecovery(NEW_KEY, 1);
        requireState(RecoveryState.Pending);
        requireNothingWidens();
        // The new key narrows here, too.
        on(next);
        next.lock(HANDLE, 0, signerOf(NEW_KEY), sign(NEW_KEY, lockDigest(HANDLE, 0)));
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
        vm.assertTrue(next.recoveryOf(HANDLE).attempt == 1, "attempt");
        vm.assertEq(next.masterOf(HANDLE), signerHashOf(NEW_KEY), "master");
        (bool word, bool owner) = next.takenOver(HANDLE);
        vm.assertTrue(word && !owner, "a lock does not break it");
        vm.assertTrue(wordOf(HANDLE).suspends(uint32(NOW)), "suspended as there");
    }

    function test_aRecoveryThatIsPendingThereIsVetoedHereAndTakesNothingOver() public {
        appointHelper();
        on(old);
        startRecovery(NEW_KEY, 1);
        bytes memory forOld = sign(PATIENT_KEY, vetoDigest(HANDLE, 1));
        on(next);
        vm.expectRevert(badSignature(PATIENT_KEY, vetoDigest(HANDLE, 1)));
        next.vetoRecovery(HANDLE, 1, signerOf(PATIENT_KEY), forOld);
        vm.expectEmit(address(next));
        emit IPatientRegistry.RecoveryVetoed(HANDLE, 1, signerHashOf(PATIENT_KEY));
        veto(PATIENT_KEY, 1);
        requireState(RecoveryState.Vetoed);
        requireHelper(SignerKind.Delegate);
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        requireOwner(PATIENT_KEY);
        requireState(RecoveryState.Vetoed);
        // The epoch that it raised there locks here, and the delegates that it dropped there are dropped.
        vm.assertTrue(wordOf(HANDLE).isLocked() && epochOf(HANDLE) == 1, "locked");
        requireHelper(SignerKind.None);
        unlock(PATIENT_KEY, 1);
        vm.assertTrue(!wordOf(HANDLE).isLocked(), "the owner opens it");
        (bool word, bool owner) = next.takenOver(HANDLE);
        vm.assertTrue(word && owner, "led here");
    }

    function test_aVetoThatWasSpentThereIsSpentHere() public {
        on(old);
        startRecovery(NEW_KEY, 1);
        veto(PATIENT_KEY, 1);
        on(next);
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 2, 0, DEADLINE));
        vm.expectRevert(stateInvalid(RecoveryState.Vetoed));
        vm.prank(OPERATOR_A);
        next.startRecovery(HANDLE, 0, DEADLINE, signerOf(NEW_KEY), signature);
        overrideVeto(OPERATOR_A, NEW_KEY, 2);
        overrideVeto(SECOND_REGISTRAR, NEW_KEY, 2);
        requireState(RecoveryState.Overriding);
        signature = sign(PATIENT_KEY, vetoDigest(HANDLE, 2));
        vm.expectRevert(stateInvalid(RecoveryState.Overriding));
        next.vetoRecovery(HANDLE, 2, signerOf(PATIENT_KEY), signature);
        vm.warp(NOW + 7 days);
        next.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
    }

    function test_aRecoveryThatIsPendingThereIsCompletedHereOrTakenBackHere() public {
        appointHelper();
        on(old);
        startRecovery(NEW_KEY, 1);
        on(next);
        vm.warp(NOW + 7 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPatientRegistry.PatientRecoveryTooEarly.selector, HANDLE, NOW + 7 days, NOW + 7 days - 1
            )
        );
        next.completeRecovery(HANDLE);
        vm.warp(NOW + 7 days);
        next.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
        requireHelper(SignerKind.None);
        vm.assertEq(next.lastRightsOf(HANDLE, signerHashOf(HELPER_KEY)).rightsVersionOf(), 1, "the version stays");
        // Nothing that is done there afterwards about that recovery stops the new owner; the epochs are equal.
        old.completeRecovery(HANDLE);
        requireState(RecoveryState.None);
        vm.assertTrue(!wordOf(HANDLE).isLocked() && epochOf(HANDLE) == 1, "the same epoch");
        on(old);
        startRecovery(PATIENT_KEY, 2);
        vm.prank(OPERATOR_A);
        old.cancelRecovery(HANDLE);
        // Of two there, which one was completed cannot be told any more: the custodian's registrars stop themselves.
        requireState(RecoveryState.Elsewhere);
    }

    function test_takenBackHereItIsNoneOfThisContractsBusiness() public {
        on(old);
        startRecovery(NEW_KEY, 1);
        vm.expectEmit(address(next));
        emit IPatientRegistry.RecoveryCancelled(HANDLE, 1);
        vm.prank(OPERATOR_A);
        next.cancelRecovery(HANDLE);
        requireState(RecoveryState.None);
        requireOwner(PATIENT_KEY);
        on(next);
        appoint(nextDelegation(HELPER_KEY));
        requireHelper(SignerKind.Delegate);
    }

    function test_onceLedHereALaterRecoveryThereStopsWideningUntilOneIsCompletedHere() public {
        lead();
        vm.warp(NOW + 40 days);
        on(old);
        startRecovery(NEW_KEY, 1);
        requireState(RecoveryState.Elsewhere);
        requireNothingWidens();
        on(next);
        (Rights rights, , ) = next.rightsOf(HANDLE, signerHashOf(NEW_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Candidate, "the new key narrows");
        (rights, , ) = next.rightsOf(HANDLE, signerHashOf(SECOND_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.None, "not one that was taken back");
        on(old);
        vm.prank(OPERATOR_A);
        old.cancelRecovery(HANDLE);
        requireState(RecoveryState.None);

        startRecovery(NEW_KEY, 2);
        vm.warp(NOW + 47 days);
        old.completeRecovery(HANDLE);
        requireState(RecoveryState.Elsewhere);
        requireOwner(PATIENT_KEY);
        requireNothingWidens();
        vm.assertTrue(wordOf(HANDLE).suspends(uint32(NOW + 11 days)), "suspended as there");
        vm.assertTrue(!wordOf(HANDLE).suspends(uint32(NOW + 9 days)), "and no more");
        on(next);
        (rights, , ) = next.rightsOf(HANDLE, signerHashOf(NEW_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.None, "nobody's candidate any more");

        // Both pending: the key of either narrows.
        on(old);
        startRecovery(STRANGER_KEY, 3);
        on(next);
        startRecovery(SECOND_KEY, 2);
        requireState(RecoveryState.Elsewhere);
        (rights, , ) = next.rightsOf(HANDLE, signerHashOf(SECOND_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Candidate, "here");
        (rights, , ) = next.rightsOf(HANDLE, signerHashOf(STRANGER_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Candidate, "there");
        vm.warp(NOW + 54 days);
        next.completeRecovery(HANDLE);
        requireOwner(SECOND_KEY);
        requireState(RecoveryState.None);
        old.completeRecovery(HANDLE);
        requireState(RecoveryState.None);
        vm.assertTrue(wordOf(HANDLE).suspends(uint32(NOW + 11 days)), "still suspended");
    }

    function test_whoeverTookOverThereDoesNotEndTheOwnerHere() public {
        lead();
        on(old);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        // There the old owner is a key like any other now, whose version can be raised.
        endBy(NEW_KEY, PATIENT_KEY, 5);
        requireOwner(PATIENT_KEY);
        on(next);
        startRecovery(STRANGER_KEY, 2);
        veto(PATIENT_KEY, 2);
        requireState(RecoveryState.Elsewhere);
        vm.expectRevert(stateInvalid(RecoveryState.Vetoed));
        next.completeRecovery(HANDLE);
    }

    function test_whatStopsFromElsewhereIsNotKept() public {
        lead();
        on(old);
        startRecovery(NEW_KEY, 1);
        on(next);
        lockHandle(HANDLE, 0);
        requireState(RecoveryState.Elsewhere);
        on(old);
        vm.prank(OPERATOR_A);
        old.cancelRecovery(HANDLE);
        requireState(RecoveryState.None);
        on(next);
        unlockHandle(HANDLE, 1);
    }

    function test_aKeyThatTakesOverThereIsTheOwnerHereWhateverItWasHere() public {
        on(next);
        appoint(nextDelegation(NEW_KEY));
        endDelegation(PATIENT_KEY, NEW_KEY, 4);
        on(old);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
        vm.assertEq(next.lastRightsOf(HANDLE, signerHashOf(NEW_KEY)).rightsVersionOf(), 5, "its version does not fall");
        // A delegate that the new owner appoints there is none here, where one was ended.
        on(next);
        appointBy(NEW_KEY, HELPER_KEY, 1);
        endBy(NEW_KEY, HELPER_KEY, 1);
        on(old);
        startRecovery(SECOND_KEY, 2);
        vm.warp(NOW + 14 days);
        old.completeRecovery(HANDLE);
        appointBy(SECOND_KEY, HELPER_KEY, 1);
        requireHelper(SignerKind.None);
    }

    function test_aGuardianThatTakesOverThereIsOneHereWhateverItsKeyWasHere() public {
        on(next);
        appoint(nextDelegation(NEW_KEY));
        on(old);
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, QUARTER_END, DEADLINE));
        vm.prank(OPERATOR_A);
        old.startRecovery(HANDLE, QUARTER_END, DEADLINE, signerOf(NEW_KEY), signature);
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        (Rights rights, , ) = next.rightsOf(HANDLE, signerHashOf(NEW_KEY));
        vm.assertTrue(rights.kindOf() == SignerKind.Guardian && rights.untilDayOf() == QUARTER_END, "guardian");
        vm.assertEq(rights.rightsVersionOf(), 1, "version");
    }

    function test_aKeyWithAHigherVersionThereKeepsThatOne() public {
        on(next);
        appoint(nextDelegation(NEW_KEY));
        on(old);
        endDelegation(PATIENT_KEY, NEW_KEY, 7);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        old.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
        vm.assertEq(next.lastRightsOf(HANDLE, signerHashOf(NEW_KEY)).rightsVersionOf(), 8, "version");
    }

    function test_aRecoveryHereEndsWhatWasGivenThereAndWhateverIsGivenThereLater() public {
        appointHelper();
        on(next);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        next.completeRecovery(HANDLE);
        vm.snapshotGasLastCall("patients", "completing a recovery at a successor");
        requireOwner(NEW_KEY);
        requireHelper(SignerKind.None);
        (, , HandleWord word) = next.rightsOf(HANDLE, signerHashOf(NEW_KEY));
        vm.assertTrue(word.generationOf() == 1 && word.epochOf() == 1, "epoch and generation");
        // The old key goes on there, to no effect here.
        on(old);
        endDelegation(PATIENT_KEY, HELPER_KEY, 5);
        on(next);
        appointBy(NEW_KEY, HELPER_KEY, 7);
        on(old);
        endDelegation(PATIENT_KEY, HELPER_KEY, 9);
        requireHelper(SignerKind.Delegate);
        // Nor does a recovery there, of the same generation, give anybody rights here.
        on(old);
        startRecovery(SECOND_KEY, 1);
        vm.warp(NOW + 14 days);
        old.completeRecovery(HANDLE);
        requireOwner(NEW_KEY);
    }

    function test_aFollowerOfAStoppedHandleIsStoppedUntilARecoveryBeginsThere() public {
        lead();
        on(old);
        startRecovery(NEW_KEY, 1);
        PatientRegistrySuccessor third = new PatientRegistrySuccessor(members, passkeys, next);
        (, HandleWord word) = third.handleState(HANDLE);
        vm.assertTrue(word.recoveryOf() == RecoveryState.Elsewhere, "stopped");
        patients = third;
        startRecovery(SECOND_KEY, 2);
        (, word) = third.handleState(HANDLE);
        vm.assertTrue(word.recoveryOf() == RecoveryState.Pending, "begins");
        vm.warp(NOW + 7 days);
        third.completeRecovery(HANDLE);
        vm.assertTrue(third.isOwner(HANDLE, signerHashOf(SECOND_KEY)), "recovered");
    }

    /// @dev Recoveries are this contract's, and none is pending.
    function lead() private {
        on(next);
        startRecovery(SECOND_KEY, 1);
        vm.prank(OPERATOR_A);
        next.cancelRecovery(HANDLE);
        requireState(RecoveryState.None);
    }

    function requireState(RecoveryState state) private view {
        (, HandleWord word) = next.handleState(HANDLE);
        vm.assertEq(uint256(word.recoveryOf()), uint256(state), "recovery");
    }

    function requireHelper(SignerKind kind) private view {
        (Rights rights, , ) = next.rightsOf(HANDLE, signerHashOf(HELPER_KEY));
        vm.assertEq(uint256(rights.kindOf()), uint256(kind), "kind");
    }

    function requireOwner(uint256 key) private {
        on(next);
        uint256[4] memory keys = [PATIENT_KEY, NEW_KEY, SECOND_KEY, STRANGER_KEY];
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertTrue(next.isOwner(HANDLE, signerHashOf(keys[i])) == (keys[i] == key), "owner");
        }
    }

    function requireNothingWidens() private {
        on(next);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.version = next.lastRightsOf(HANDLE, d.delegate).rightsVersionOf() + 1;
        (d.deadline, d.bounds.untilDay) = (type(uint64).max, type(uint16).max);
        bytes memory signature = sign(PATIENT_KEY, delegationDigest(d));
        bytes memory pending = abi.encodeWithSelector(SignerRights.SignerRecoveryPending.selector, HANDLE);
        // Of a handle that is locked as well this is said first.
        vm.expectRevert(wordOf(HANDLE).isLocked() ? locked() : pending);
        next.appoint(d, signerOf(PATIENT_KEY), signature);
        if (!wordOf(HANDLE).isLocked()) return;
        uint32 epoch = epochOf(HANDLE);
        signature = sign(PATIENT_KEY, unlockDigest(HANDLE, epoch, type(uint64).max));
        vm.expectRevert(pending);
        next.unlock(HANDLE, epoch, type(uint64).max, signerOf(PATIENT_KEY), signature);
    }

    function stateInvalid(RecoveryState state) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPatientRegistry.PatientRecoveryStateInvalid.selector, HANDLE, state);
    }
}
