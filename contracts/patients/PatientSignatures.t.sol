// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Deployment} from "../test/Deployment.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Delegation} from "./PatientTypes.sol";
import {Quarters} from "./Quarters.sol";
import {Signers} from "./Signers.sol";

/// @title Every field of what is signed about a handle is covered by the signature
/// @dev What is sent would land each time, and does in the end; what was signed differs from it in one field.
contract PatientSignaturesTest is Deployment {
    bytes32 private constant OTHER = keccak256("another");
    bytes32 private constant UNBOUND = keccak256("an unbound handle");
    uint256 private constant NEW_KEY = 0x4E3;
    uint256 private constant HELPER_KEY = 0x4E19E2;

    function test_ofABinding() public {
        bytes32 digest = bindDigest(UNBOUND, HOSPITAL_A, DEADLINE);
        bindsUnless(digest, bindDigest(OTHER, HOSPITAL_A, DEADLINE));
        bindsUnless(digest, bindDigest(UNBOUND, HOSPITAL_B, DEADLINE));
        bindsUnless(digest, bindDigest(UNBOUND, HOSPITAL_A, DEADLINE + 1));
        bindsUnless(digest, digest);
    }

    function test_ofAGuardiansBinding() public {
        uint16 end = quarter(TODAY);
        bytes32 digest = guardianDigest(UNBOUND, HOSPITAL_A, end, DEADLINE);
        guardsUnless(digest, guardianDigest(OTHER, HOSPITAL_A, end, DEADLINE));
        guardsUnless(digest, guardianDigest(UNBOUND, HOSPITAL_B, end, DEADLINE));
        guardsUnless(digest, guardianDigest(UNBOUND, HOSPITAL_A, quarter(end + 1), DEADLINE));
        guardsUnless(digest, guardianDigest(UNBOUND, HOSPITAL_A, end, DEADLINE + 1));
        guardsUnless(digest, bindDigest(UNBOUND, HOSPITAL_A, DEADLINE));
        guardsUnless(digest, digest);
    }

    function test_ofALock() public {
        bytes32 digest = lockDigest(HANDLE, 3);
        locksUnless(digest, lockDigest(OTHER, 3));
        locksUnless(digest, lockDigest(HANDLE, 4));
        locksUnless(digest, digest);
    }

    function test_ofAnUnlocking() public {
        lockHandle(HANDLE, 0);
        bytes32 digest = unlockDigest(HANDLE, 1, DEADLINE);
        unlocksUnless(digest, unlockDigest(OTHER, 1, DEADLINE));
        unlocksUnless(digest, unlockDigest(HANDLE, 2, DEADLINE));
        unlocksUnless(digest, unlockDigest(HANDLE, 1, DEADLINE + 1));
        unlocksUnless(digest, digest);
    }

    function test_ofADelegationAndItsBounds() public {
        for (uint256 field = 0; field <= 18; ++field) {
            (Delegation memory d, Delegation memory sent) = (delegation(), delegation());
            bytes32 digest = delegationDigest(d);
            if (field == 0) d.handle = OTHER;
            if (field == 1) d.delegate = OTHER;
            // Six acts, each a field of its own, then four flags.
            if (field >= 2 && field < 8) d.bounds.acts ^= uint8(1 << (field - 2));
            if (field >= 8 && field < 12) d.bounds.flags ^= uint8(1 << (field - 8));
            if (field == 12) ++d.bounds.longestDays;
            if (field == 13) ++d.bounds.untilDay;
            if (field == 14) d.bounds.scopes = OTHER;
            if (field == 15) ++d.version;
            if (field == 16) ++d.epoch;
            if (field == 17) ++d.deadline;
            bytes memory signature = sign(PATIENT_KEY, delegationDigest(d));
            if (field < 18) refuses(digest);
            patients.appoint(sent, patient(), signature);
        }
    }

    function test_ofADelegationsEnd() public {
        bytes32 delegate = signerHashOf(HELPER_KEY);
        bytes32 digest = delegationEndDigest(HANDLE, delegate, 3);
        endsUnless(digest, delegationEndDigest(OTHER, delegate, 3));
        endsUnless(digest, delegationEndDigest(HANDLE, OTHER, 3));
        endsUnless(digest, delegationEndDigest(HANDLE, delegate, 4));
        endsUnless(digest, digest);
    }

    function test_ofTheBreakGlassSwitch() public {
        bytes32 digest = offDigest(HANDLE, 0);
        switchesOffUnless(digest, offDigest(OTHER, 0));
        switchesOffUnless(digest, offDigest(HANDLE, 1));
        switchesOffUnless(digest, digest);

        digest = onDigest(HANDLE, 2, 0, DEADLINE);
        switchesOnUnless(digest, onDigest(OTHER, 2, 0, DEADLINE));
        switchesOnUnless(digest, onDigest(HANDLE, 3, 0, DEADLINE));
        switchesOnUnless(digest, onDigest(HANDLE, 2, 1, DEADLINE));
        switchesOnUnless(digest, onDigest(HANDLE, 2, 0, DEADLINE + 1));
        switchesOnUnless(digest, digest);
    }

    function test_ofARecoveryItsOverrideAndItsVeto() public {
        uint16 end = quarter(TODAY);
        recoversIfAll(1, end, false);
        bytes32 digest = vetoDigest(HANDLE, 1);
        vetoesUnless(digest, vetoDigest(OTHER, 1));
        vetoesUnless(digest, vetoDigest(HANDLE, 2));
        vetoesUnless(digest, digest);
        recoversIfAll(2, end, true);
    }

    function recoversIfAll(uint32 attempt, uint16 end, bool overriding) private {
        bytes32 digest = fullRecoveryDigest(HANDLE, HOSPITAL_A, attempt, end, DEADLINE);
        recoversUnless(digest, fullRecoveryDigest(OTHER, HOSPITAL_A, attempt, end, DEADLINE), end, overriding);
        recoversUnless(digest, fullRecoveryDigest(HANDLE, HOSPITAL_B, attempt, end, DEADLINE), end, overriding);
        recoversUnless(digest, fullRecoveryDigest(HANDLE, HOSPITAL_A, attempt + 1, end, DEADLINE), end, overriding);
        recoversUnless(digest, fullRecoveryDigest(HANDLE, HOSPITAL_A, attempt, 0, DEADLINE), end, overriding);
        recoversUnless(digest, fullRecoveryDigest(HANDLE, HOSPITAL_A, attempt, end, DEADLINE + 1), end, overriding);
        recoversUnless(digest, digest, end, overriding);
    }

    function recoversUnless(bytes32 digest, bytes32 signed, uint16 end, bool overriding) private {
        bytes memory signature = sign(NEW_KEY, signed);
        bytes memory signer = signerOf(NEW_KEY);
        if (signed != digest) refuses(NEW_KEY, digest);
        vm.prank(OPERATOR_A);
        if (overriding) patients.overrideVeto(HANDLE, end, DEADLINE, signer, signature);
        else patients.startRecovery(HANDLE, end, DEADLINE, signer, signature);
    }

    function vetoesUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.vetoRecovery(HANDLE, 1, patient(), signature);
    }

    function bindsUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        bytes memory signer = patient();
        vm.prank(OPERATOR_A);
        patients.bind(UNBOUND, DEADLINE, signer, signature);
    }

    function guardsUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        bytes memory signer = patient();
        vm.prank(OPERATOR_A);
        patients.bindGuardian(UNBOUND, quarter(TODAY), DEADLINE, signer, signature);
    }

    function locksUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.lock(HANDLE, 3, patient(), signature);
    }

    function unlocksUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.unlock(HANDLE, 1, DEADLINE, patient(), signature);
    }

    function endsUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.endDelegation(HANDLE, signerHashOf(HELPER_KEY), 3, patient(), signature);
    }

    function switchesOffUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.switchBreakGlassOff(HANDLE, 0, patient(), signature);
    }

    function switchesOnUnless(bytes32 digest, bytes32 signed) private {
        bytes memory signature = signedInstead(digest, signed);
        patients.switchBreakGlassOn(HANDLE, 2, 0, DEADLINE, patient(), signature);
    }

    /// @dev The patient's signature over something else, which is refused where it is something else.
    function signedInstead(bytes32 digest, bytes32 signed) private returns (bytes memory signature) {
        signature = sign(PATIENT_KEY, signed);
        if (signed != digest) refuses(digest);
    }

    function refuses(bytes32 digest) private {
        refuses(PATIENT_KEY, digest);
    }

    function refuses(uint256 key, bytes32 digest) private {
        vm.expectRevert(
            abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHashOf(key), digest)
        );
    }

    function delegation() private view returns (Delegation memory d) {
        d = nextDelegation(HELPER_KEY);
        (d.bounds.acts, d.bounds.flags) = (21, 5);
    }

    function guardianDigest(
        bytes32 handle,
        bytes32 custodian,
        uint16 untilDay,
        uint64 deadline
    ) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("BindGuardian(bytes32 handle,bytes32 custodian,string until,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, custodian, dateHash(untilDay), deadline)));
    }

    function offDigest(bytes32 handle, uint16 upToVersion) private view returns (bytes32) {
        bytes32 typeHash = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, upToVersion)));
    }

    function onDigest(bytes32 handle, uint16 version, uint32 epoch, uint64 deadline) private view returns (bytes32) {
        bytes32 typeHash = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, version, epoch, deadline)));
    }

    function fullRecoveryDigest(
        bytes32 handle,
        bytes32 custodian,
        uint32 attempt,
        uint16 untilDay,
        uint64 deadline
    ) private view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Recovery(bytes32 handle,bytes32 custodian,uint32 attempt,string until,uint64 deadline)"
        );
        return patientsDigest(
            keccak256(abi.encode(typeHash, handle, custodian, attempt, endHash(untilDay), deadline))
        );
    }

    function quarter(uint16 day) private pure returns (uint16) {
        return uint16(Quarters.lastDay(day));
    }

    function patient() private pure returns (bytes memory) {
        return signerOf(PATIENT_KEY);
    }
}
