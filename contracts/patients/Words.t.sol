// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant} from "../consent/ConsentTypes.sol";
import {ConsentState} from "../consent/ConsentWord.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {HandleWord} from "./HandleWord.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {Delegation, Recovery} from "./PatientTypes.sol";
import {Quarters} from "./Quarters.sol";
import {
    ACT_GRANT,
    ACT_LOCK,
    ACT_OBJECT,
    ACT_REVOKE,
    ACT_UNLOCK,
    ACT_WITHDRAW,
    ALL_ACTS,
    Bounds,
    Rights,
    SignerRights
} from "./Rights.sol";

/// @title The bits of rights and handles, and what is said of them: numbers written out, none taken from the contracts
contract WordsTest is ConsentExpectations {
    uint256 private constant HELPER_KEY = 0x4E19E2;
    uint256 private constant NEW_KEY = 0x4E3;
    bytes32 private constant GUARDED = keccak256("a child's handle");
    bytes32 private constant ROOT = keccak256("a root of scopes");

    function test_everyActIsOneBit() public pure {
        vm.assertEq(ACT_GRANT, 1, "grant");
        vm.assertEq(ACT_REVOKE, 2, "revoke");
        vm.assertEq(ACT_OBJECT, 4, "object");
        vm.assertEq(ACT_WITHDRAW, 8, "withdraw");
        vm.assertEq(ACT_LOCK, 16, "lock");
        vm.assertEq(ACT_UNLOCK, 32, "unlock");
        vm.assertEq(ALL_ACTS, 63, "all");
    }

    function test_theRightsOfAnOwnerAndOfNobody() public view {
        vm.assertEq(rightsAt(HANDLE, PATIENT_KEY), 1, "owner");
        vm.assertEq(rightsAt(HANDLE, STRANGER_KEY), 0, "nobody");
        vm.assertEq(narrowingAt(HANDLE, PATIENT_KEY), 1, "owner, narrowing");
        vm.assertEq(narrowingAt(HANDLE, STRANGER_KEY), 0, "nobody, narrowing");
    }

    function test_theRightsOfADelegate() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds = Bounds(21, 5, 300, TODAY + 77, ROOT);
        uint256 word = 2 | (21 << 8) | (5 << 16) | (uint256(300) << 24);
        word |= (uint256(TODAY + 77) << 40) | (uint256(1) << 56) | (uint256(1) << 112);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.DelegateSet(
            HANDLE, signerHashOf(HELPER_KEY), Rights.wrap(word), ROOT, signerHashOf(PATIENT_KEY)
        );
        appoint(d);
        vm.assertEq(rightsAt(HANDLE, HELPER_KEY), word, "rights");
        vm.assertEq(narrowingAt(HANDLE, HELPER_KEY), word, "narrowing");
        vm.assertEq(scopesAt(HANDLE, HELPER_KEY), ROOT, "scopes");

        d.bounds.scopes = 0;
        d.version = 2;
        appoint(d);
        vm.assertEq(rightsAt(HANDLE, HELPER_KEY), word + (1 << 56) - (1 << 112), "all scopes");
        vm.assertEq(scopesAt(HANDLE, HELPER_KEY), 0, "no root");
        endDelegation(PATIENT_KEY, HELPER_KEY, 2);
        vm.assertEq(rightsAt(HANDLE, HELPER_KEY), 0, "ended");
        vm.assertEq(narrowingAt(HANDLE, HELPER_KEY), 0, "ended, narrowing");
    }

    function test_theRightsOfAGuardianAndWhatIsSaidOfIt() public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        bytes memory signature = sign(HELPER_KEY, guardianDigest(end));
        vm.expectEmit(address(patients));
        emit IPatientRegistry.HandleBound(GUARDED, HOSPITAL_A, signerHashOf(HELPER_KEY));
        vm.expectEmit(address(patients));
        emit IPatientRegistry.GuardianSet(GUARDED, signerHashOf(HELPER_KEY), end);
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, end, DEADLINE, signerOf(HELPER_KEY), signature);
        vm.assertEq(rightsAt(GUARDED, HELPER_KEY), 3 | (uint256(end) << 40), "guardian");
        vm.assertEq(HandleWord.unwrap(wordOf(GUARDED)), 0, "word");
        (bytes32 custodian, ) = patients.handleState(GUARDED);
        vm.assertEq(custodian, HOSPITAL_A, "custodian");
    }

    function test_aGuardianInOfficeIsNeitherAppointedNorRecoveredTo() public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        bytes memory signature = sign(HELPER_KEY, guardianDigest(end));
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, end, DEADLINE, signerOf(HELPER_KEY), signature);
        bytes memory bound = abi.encodeWithSelector(
            IPatientRegistry.PatientSignerBound.selector, GUARDED, signerHashOf(HELPER_KEY)
        );
        // Its last second is still its own.
        vm.warp((uint256(end) + 1) * 1 days - 1);
        vm.expectRevert(bound);
        recoverGuarded();
        vm.warp((uint256(end) + 1) * 1 days);
        recoverGuarded();
    }

    function test_aGuardianActsUntilTheLastSecondOfItsLastDay() public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        bytes memory signature = sign(HELPER_KEY, guardianDigest(end));
        vm.prank(OPERATOR_A);
        patients.bindGuardian(GUARDED, end, DEADLINE, signerOf(HELPER_KEY), signature);
        signature = sign(HELPER_KEY, lockDigest(GUARDED, 0));
        uint256 over = (uint256(end) + 1) * 1 days;
        vm.warp(over);
        vm.expectRevert(
            abi.encodeWithSelector(
                SignerRights.SignerEnded.selector, GUARDED, signerHashOf(HELPER_KEY), end, end + 1
            )
        );
        patients.lock(GUARDED, 0, signerOf(HELPER_KEY), signature);
        vm.warp(over - 1);
        patients.lock(GUARDED, 0, signerOf(HELPER_KEY), signature);
        vm.assertEq(epochOf(GUARDED), 1, "locked");
    }

    function test_aCandidateHasRightsWhileARecoveryIsPending() public {
        startRecovery(NEW_KEY, 1);
        vm.assertEq(rightsAt(HANDLE, NEW_KEY), 4, "candidate");
        vm.assertEq(narrowingAt(HANDLE, NEW_KEY), 4, "candidate, narrowing");
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), 1 << 8, "pending");
        veto(PATIENT_KEY, 1);
        vm.assertEq(rightsAt(HANDLE, NEW_KEY), 0, "vetoed");
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), 2 << 8, "vetoed");
    }

    function test_theWordOfARecoveredHandleKeepsLockAndSwitch() public {
        lockHandle(HANDLE, 6);
        switchOff(4);
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), 3 | (5 << 16) | (uint256(7) << 32), "locked and off");
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        uint256 word = 3 | (5 << 16) | (uint256(8) << 32) | (uint256(1) << 128);
        word |= ((NOW + 7 days) << 64) | ((NOW - 30 days) << 96);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.RecoveryCompleted(HANDLE, 1, signerHashOf(NEW_KEY), HandleWord.wrap(word));
        patients.completeRecovery(HANDLE);
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), word, "recovered");
        vm.assertEq(rightsAt(HANDLE, NEW_KEY), 1 | (uint256(1) << 80), "owner of the generation");
        vm.assertEq(rightsAt(HANDLE, PATIENT_KEY), 0, "the old owner");
        vm.assertEq(narrowingAt(HANDLE, PATIENT_KEY), 0, "the old owner, narrowing");
    }

    function test_aGuardianThatTakesOverIsAnnounced() public {
        uint16 end = uint16(Quarters.lastDay(TODAY + 100));
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, end, DEADLINE));
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, end, DEADLINE, signerOf(NEW_KEY), signature);
        Recovery memory r = patients.recoveryOf(HANDLE);
        vm.assertEq(r.newSigner, signerHashOf(NEW_KEY), "newSigner");
        vm.assertEq(r.startedAt, NOW, "startedAt");
        vm.assertEq(r.readyAt, NOW + 7 days, "readyAt");
        vm.assertEq(r.untilDay, end, "untilDay");
        vm.warp(NOW + 7 days);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.GuardianSet(HANDLE, signerHashOf(NEW_KEY), end);
        patients.completeRecovery(HANDLE);
        uint256 word = 3 | (uint256(end) << 40) | (uint256(1) << 80);
        vm.assertEq(rightsAt(HANDLE, NEW_KEY), word, "guardian");
    }

    function test_aRecoveryTakenBackIsAnnounced() public {
        startRecovery(NEW_KEY, 1);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.RecoveryCancelled(HANDLE, 1);
        vm.prank(OPERATOR_A);
        patients.cancelRecovery(HANDLE);
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), 0, "none");
    }

    function test_aDelegateThatTakesOverKeepsTheVersionOfItsDelegation() public {
        appoint(nextDelegation(NEW_KEY));
        endDelegation(PATIENT_KEY, NEW_KEY, 8);
        startRecovery(NEW_KEY, 1);
        vm.warp(NOW + 7 days);
        patients.completeRecovery(HANDLE);
        vm.assertEq(rightsAt(HANDLE, NEW_KEY), 1 | (uint256(9) << 56) | (uint256(1) << 80), "rights");
        requireState(ConsentState.Silent, 0);
    }

    function test_theBreakGlassSwitchMovesOnlyItsOwnBits() public {
        lockHandle(HANDLE, 6);
        unlockHandle(HANDLE, 7);
        switchOff(4);
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), 2 | (5 << 16) | (uint256(7) << 32), "off");
        bytes32 typeHash = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        bytes32 digest = patientsDigest(keccak256(abi.encode(typeHash, HANDLE, 6, 7, DEADLINE)));
        vm.expectEmit(address(patients));
        emit IPatientRegistry.BreakGlassSwitched(HANDLE, false, 6, signerHashOf(PATIENT_KEY));
        patients.switchBreakGlassOn(HANDLE, 6, 7, DEADLINE, signerOf(PATIENT_KEY), sign(PATIENT_KEY, digest));
        vm.assertEq(HandleWord.unwrap(wordOf(HANDLE)), (6 << 16) | (uint256(7) << 32), "on");
    }

    function test_theLastButOneVersionIsStillOpen() public {
        uint24 last = type(uint24).max;
        endDelegation(PATIENT_KEY, HELPER_KEY, last - 3);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.version = last - 1;
        appoint(d);
        endDelegation(PATIENT_KEY, HELPER_KEY, last - 1);
        switchOff(type(uint16).max - 3);
        switchOn(type(uint16).max - 1);
        switchOff(type(uint16).max - 1);
        vm.assertEq(wordOf(HANDLE).breakGlassVersionOf(), type(uint16).max, "off for good");
    }

    function test_aDelegatesPeriodCountsFromTheFirstSecondOfTheDay() public {
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.bounds.longestDays = 30;
        appoint(d);
        vm.warp((uint256(TODAY) + 1) * 1 days);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.fromDay, g.untilDay, g.deadline) = (TODAY + 1, TODAY + 31, type(uint64).max);
        send(g, HELPER_KEY);
        requireState(ConsentState.Permit, 1);
    }

    function test_aProofOfANewKeyHasADeadline() public {
        uint64 late = uint64(NOW - 1);
        bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, 0, late));
        bytes memory signer = signerOf(NEW_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientDeadlinePassed.selector, HANDLE, late, NOW)
        );
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, 0, late, signer, signature);
    }

    function test_aRecoveryToAGuardianEndsWithAQuarterToCome() public {
        uint16 end = uint16(Quarters.lastDay(TODAY));
        uint16[2] memory ends = [end - 1, uint16(Quarters.lastDay(TODAY - 95))];
        bytes[2] memory refusals = [
            abi.encodeWithSelector(IPatientRegistry.PatientEndNotRounded.selector, end - 1, end),
            abi.encodeWithSelector(IPatientRegistry.PatientEndPassed.selector, ends[1], TODAY)
        ];
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory signature = sign(NEW_KEY, recoveryDigest(HANDLE, 1, ends[i], DEADLINE));
            bytes memory signer = signerOf(NEW_KEY);
            vm.expectRevert(refusals[i]);
            vm.prank(OPERATOR_A);
            patients.startRecovery(HANDLE, ends[i], DEADLINE, signer, signature);
        }
    }

    function switchOn(uint16 version) private {
        bytes32 typeHash = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        bytes32 structHash = keccak256(abi.encode(typeHash, HANDLE, version, epochOf(HANDLE), DEADLINE));
        bytes memory signature = sign(PATIENT_KEY, patientsDigest(structHash));
        patients.switchBreakGlassOn(HANDLE, version, epochOf(HANDLE), DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function recoverGuarded() private {
        uint64 deadline = uint64(block.timestamp);
        bytes memory signature = sign(HELPER_KEY, recoveryDigest(GUARDED, 1, 0, deadline));
        bytes memory signer = signerOf(HELPER_KEY);
        vm.prank(OPERATOR_A);
        patients.startRecovery(GUARDED, 0, deadline, signer, signature);
    }

    function switchOff(uint16 upTo) private {
        bytes32 typeHash = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
        bytes memory signature = sign(PATIENT_KEY, patientsDigest(keccak256(abi.encode(typeHash, HANDLE, upTo))));
        patients.switchBreakGlassOff(HANDLE, upTo, signerOf(PATIENT_KEY), signature);
    }

    function guardianDigest(uint16 end) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, GUARDED, HOSPITAL_A, dateHash(end), DEADLINE)));
    }

    function rightsAt(bytes32 handle, uint256 key) private view returns (uint256) {
        (Rights rights, , ) = patients.rightsOf(handle, signerHashOf(key));
        return Rights.unwrap(rights);
    }

    function scopesAt(bytes32 handle, uint256 key) private view returns (bytes32 scopes) {
        (, scopes, ) = patients.rightsOf(handle, signerHashOf(key));
    }

    function narrowingAt(bytes32 handle, uint256 key) private view returns (uint256) {
        return Rights.unwrap(patients.narrowingRightsOf(handle, signerHashOf(key)));
    }
}
