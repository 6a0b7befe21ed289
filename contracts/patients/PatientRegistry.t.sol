// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {MemberStatus, ROLE_CUSTODIAN, ROLE_REGISTRAR} from "../members/MemberTypes.sol";
import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {HandleWord} from "./HandleWord.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {Signers} from "./Signers.sol";

contract PatientRegistryTest is Deployment {
    function testFuzz_aHandleIsBoundWithThePatientsProof(bytes32 handle, uint256 key) public {
        if (handle == HANDLE) return;
        key = 1 + (key % type(uint128).max);
        if (key == STRANGER_KEY) return;
        bytes memory signature = sign(key, bindDigest(handle, HOSPITAL_A, DEADLINE));
        vm.expectEmit(address(patients));
        emit IPatientRegistry.HandleBound(handle, HOSPITAL_A, signerHashOf(key));
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signerOf(key), signature);

        (bytes32 custodian, HandleWord word) = patients.handleState(handle);
        vm.assertEq(custodian, HOSPITAL_A, "custodian");
        vm.assertEq(HandleWord.unwrap(word), 0, "open, at epoch 0");
        vm.assertTrue(patients.isOwner(handle, signerHashOf(key)), "owner");
        vm.assertTrue(!patients.isOwner(handle, signerHashOf(STRANGER_KEY)), "nobody else");
    }

    function test_aBoundSignerIsNotReplacedByBinding() public {
        bytes memory signature = sign(STRANGER_KEY, bindDigest(HANDLE, HOSPITAL_B, DEADLINE));
        vm.expectRevert(
            abi.encodeWithSelector(IPatientRegistry.PatientHandleBound.selector, HANDLE, HOSPITAL_A)
        );
        vm.prank(OPERATOR_B);
        patients.bind(HANDLE, DEADLINE, signerOf(STRANGER_KEY), signature);
    }

    function test_aProofForOneCustodianDoesNotBindAtAnother() public {
        bytes32 handle = keccak256("another");
        bytes memory signature = sign(PATIENT_KEY, bindDigest(handle, HOSPITAL_A, DEADLINE));
        vm.expectRevert(badSignature(PATIENT_KEY, bindDigest(handle, HOSPITAL_B, DEADLINE)));
        vm.prank(OPERATOR_B);
        patients.bind(handle, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function test_onlyALiveRegistrarBinds() public {
        bytes32 handle = keccak256("another");
        bytes memory signature = sign(PATIENT_KEY, bindDigest(handle, HOSPITAL_A, DEADLINE));
        bytes memory signer = signerOf(PATIENT_KEY);

        vm.expectRevert(abi.encodeWithSelector(IMemberRegistry.MemberOperatorUnknown.selector, address(this)));
        patients.bind(handle, DEADLINE, signer, signature);

        members.setRoles(HOSPITAL_A, ROLE_CUSTODIAN);
        vm.expectRevert(
            abi.encodeWithSelector(IMemberRegistry.MemberRoleMissing.selector, HOSPITAL_A, ROLE_REGISTRAR)
        );
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signer, signature);

        members.suspend(HOSPITAL_A);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMemberRegistry.MemberStatusInvalid.selector, HOSPITAL_A, MemberStatus.Suspended
            )
        );
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signer, signature);
    }

    function test_aLateBindingIsRefused() public {
        bytes32 handle = keccak256("another");
        bytes memory signature = sign(PATIENT_KEY, bindDigest(handle, HOSPITAL_A, DEADLINE));
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed(handle));
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signerOf(PATIENT_KEY), signature);

        vm.warp(DEADLINE);
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function testFuzz_aLockLocksAndRaisesTheEpochPastWhatItNames(uint32 upToEpoch) public {
        if (upToEpoch == type(uint32).max) --upToEpoch;
        vm.expectEmit(address(patients));
        emit IPatientRegistry.HandleLocked(HANDLE, upToEpoch + 1, signerHashOf(PATIENT_KEY));
        lockHandle(HANDLE, upToEpoch);
        (bytes32 custodian, HandleWord word) = patients.handleState(HANDLE);
        vm.assertEq(custodian, HOSPITAL_A, "custodian");
        vm.assertEq(HandleWord.unwrap(word), (uint256(upToEpoch + 1) << 32) | 1, "word");
    }

    function test_anOldLockChangesNothing() public {
        lockHandle(HANDLE, 3);
        unlockHandle(HANDLE, 4);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.LockUnchanged(HANDLE, 3, 4);
        lockHandle(HANDLE, 3);
        (, HandleWord word) = patients.handleState(HANDLE);
        vm.assertTrue(!word.isLocked(), "still open");
        vm.assertEq(word.epochOf(), 4, "same epoch");
    }

    function test_aLockedHandleIsLockedAgain() public {
        lockHandle(HANDLE, 0);
        lockHandle(HANDLE, 1);
        vm.assertEq(epochOf(HANDLE), 2, "epoch");
    }

    function test_aLockLandsWhileTheCustodianIsSuspendedAndLongAfterItWasSigned() public {
        members.suspend(HOSPITAL_A);
        vm.warp(NOW + 3650 days);
        lockHandle(HANDLE, 0);
        vm.assertEq(epochOf(HANDLE), 1, "epoch");
    }

    function test_onlyTheOwnerLocks() public {
        bytes memory signature = sign(STRANGER_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(notOwner(HANDLE, STRANGER_KEY));
        patients.lock(HANDLE, 0, signerOf(STRANGER_KEY), signature);
        vm.expectRevert(badSignature(PATIENT_KEY, lockDigest(HANDLE, 0)));
        patients.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
    }

    function test_nobodyOwnsAnUnboundHandle() public {
        bytes32 handle = keccak256("another");
        bytes memory signature = sign(PATIENT_KEY, lockDigest(handle, 0));
        vm.expectRevert(notOwner(handle, PATIENT_KEY));
        patients.lock(handle, 0, signerOf(PATIENT_KEY), signature);
    }

    function test_noEpochFollowsTheLast() public {
        uint32 last = type(uint32).max;
        bytes memory exhausted =
            abi.encodeWithSelector(IPatientRegistry.PatientEpochExhausted.selector, HANDLE, last);
        bytes memory signature = sign(PATIENT_KEY, lockDigest(HANDLE, last));
        vm.expectRevert(exhausted);
        patients.lock(HANDLE, last, signerOf(PATIENT_KEY), signature);

        lockHandle(HANDLE, last - 1);
        signature = sign(PATIENT_KEY, unlockDigest(HANDLE, last, DEADLINE));
        vm.expectRevert(exhausted);
        patients.unlock(HANDLE, last, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function test_unlockingKeepsTheEpoch() public {
        lockHandle(HANDLE, 0);
        vm.expectEmit(address(patients));
        emit IPatientRegistry.HandleUnlocked(HANDLE, 1, signerHashOf(PATIENT_KEY));
        unlockHandle(HANDLE, 1);
        (, HandleWord word) = patients.handleState(HANDLE);
        vm.assertEq(HandleWord.unwrap(word), uint256(1) << 32, "word");
    }

    function test_unlockingNamesTheExactEpoch() public {
        bytes memory signer = signerOf(PATIENT_KEY);
        bytes memory signature = sign(PATIENT_KEY, unlockDigest(HANDLE, 0, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientHandleNotLocked.selector, HANDLE));
        patients.unlock(HANDLE, 0, DEADLINE, signer, signature);

        lockHandle(HANDLE, 0);
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEpochMismatch.selector, HANDLE, 0, 1));
        patients.unlock(HANDLE, 0, DEADLINE, signer, signature);
    }

    function test_anUnlockingDoesNotWorkTwice() public {
        lockHandle(HANDLE, 0);
        unlockHandle(HANDLE, 1);
        lockHandle(HANDLE, 1);
        bytes memory signature = sign(PATIENT_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        vm.expectRevert(abi.encodeWithSelector(IPatientRegistry.PatientEpochMismatch.selector, HANDLE, 1, 2));
        patients.unlock(HANDLE, 1, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function test_aLateOrForeignUnlockingIsRefused() public {
        lockHandle(HANDLE, 0);
        bytes memory foreign = sign(STRANGER_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        vm.expectRevert(notOwner(HANDLE, STRANGER_KEY));
        patients.unlock(HANDLE, 1, DEADLINE, signerOf(STRANGER_KEY), foreign);

        bytes memory signature = sign(PATIENT_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed(HANDLE));
        patients.unlock(HANDLE, 1, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function testFuzz_aSignerOfAnotherLengthIsNotSupported(bytes calldata signer) public {
        if (signer.length == 20) return;
        bytes memory signature = sign(PATIENT_KEY, lockDigest(HANDLE, 0));
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerNotSupported.selector, signer.length));
        patients.lock(HANDLE, 0, signer, signature);
    }

    function testFuzz_randomBytesAreNoSignature(bytes calldata signature) public {
        vm.expectRevert(badSignature(PATIENT_KEY, lockDigest(HANDLE, 0)));
        patients.lock(HANDLE, 0, signerOf(PATIENT_KEY), signature);
    }

    function test_aSignatureWithHighSIsRefused() public {
        bytes32 digest = lockDigest(HANDLE, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PATIENT_KEY, digest);
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory twin = abi.encodePacked(r, order - uint256(s), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(badSignature(PATIENT_KEY, digest));
        patients.lock(HANDLE, 0, signerOf(PATIENT_KEY), twin);
    }

    function test_theZeroAccountSignsNothing() public {
        bytes memory signer = abi.encodePacked(address(0));
        bytes32 digest = lockDigest(HANDLE, 0);
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerBadSignature.selector, keccak256(signer), digest));
        patients.lock(HANDLE, 0, signer, new bytes(65));
    }

    function test_aSignatureForAnotherChainOrContractIsRefused() public {
        bytes memory signer = signerOf(PATIENT_KEY);
        bytes32 structHash = keccak256(abi.encode(keccak256("Lock(bytes32 handle,uint32 upToEpoch)"), HANDLE, 0));
        bytes memory elsewhere = sign(PATIENT_KEY, digestOf("Wayleave Patients", address(consents), structHash));
        vm.expectRevert(badSignature(PATIENT_KEY, lockDigest(HANDLE, 0)));
        patients.lock(HANDLE, 0, signer, elsewhere);

        bytes memory here = sign(PATIENT_KEY, lockDigest(HANDLE, 0));
        vm.chainId(4711);
        vm.expectRevert(badSignature(PATIENT_KEY, lockDigest(HANDLE, 0)));
        patients.lock(HANDLE, 0, signer, here);
    }

    function badSignature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHashOf(key), digest);
    }

    function notOwner(bytes32 handle, uint256 key) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPatientRegistry.PatientSignerNotOwner.selector, handle, signerHashOf(key));
    }

    function deadlinePassed(bytes32 handle) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IPatientRegistry.PatientDeadlinePassed.selector, handle, DEADLINE, DEADLINE + 1
        );
    }
}
