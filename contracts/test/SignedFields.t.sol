// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Grant, Objection, Renewal, Revocation, Withdrawal} from "../consent/ConsentTypes.sol";
import {IConsentRegistry} from "../consent/IConsentRegistry.sol";
import {IPatientRegistry} from "../patients/IPatientRegistry.sol";
import {Acts} from "./Acts.t.sol";
import {vm} from "./Vm.t.sol";

/// @title Every field of what is signed is covered by the signature
/// @dev A second handle of the same patient, in the same state, takes whatever is not bound to the first.
contract SignedFieldsTest is Acts {
    bytes32 private constant OTHER = keccak256("another handle of the same patient");

    function setUp() public override {
        super.setUp();
        bindHandle(OTHER);
    }

    function testFuzz_ofAGrant(uint8 field) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        field %= 9;
        if (field == 0) g.handle = OTHER;
        if (field == 1) g.scope = keccak256("other");
        if (field == 2) g.terms = keccak256("other");
        if (field == 3) --g.fromDay;
        if (field == 4) ++g.untilDay;
        if (field == 5) g.flags = 1;
        if (field == 6) ++g.version;
        if (field == 7) ++g.epoch;
        if (field == 8) ++g.deadline;
        refuses(address(consents), abi.encodeCall(IConsentRegistry.grant, (g, patient(), signature)));
    }

    function testFuzz_ofARenewal(uint8 field) public {
        send(nextGrant(HANDLE, SCOPE));
        send(nextGrant(HANDLE, keccak256("other")));
        send(nextGrant(OTHER, SCOPE));
        Renewal memory r = Renewal(HANDLE, SCOPE, TERMS, TODAY + 9, 2, 0, DEADLINE);
        bytes memory signature = sign(PATIENT_KEY, renewalDigest(r));
        field %= 7;
        if (field == 0) r.handle = OTHER;
        if (field == 1) r.scope = keccak256("other");
        if (field == 2) r.terms = bytes32(uint256(TERMS) ^ (1 << 200));
        if (field == 3) ++r.untilDay;
        if (field == 4) ++r.version;
        if (field == 5) ++r.epoch;
        if (field == 6) ++r.deadline;
        bytes memory call =
            abi.encodeCall(IConsentRegistry.renew, (r, new bytes32[](0), patient(), signature));
        refuses(address(consents), call);
    }

    function testFuzz_ofARevocation(uint8 field) public {
        Revocation memory r = Revocation(HANDLE, SCOPE, 3);
        bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
        if (field % 3 == 0) r.handle = OTHER;
        if (field % 3 == 1) r.scope = keccak256("other");
        if (field % 3 == 2) ++r.upToVersion;
        refuses(address(consents), abi.encodeCall(IConsentRegistry.revoke, (r, patient(), signature)));
    }

    function testFuzz_ofAnObjection(uint8 field) public {
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, 3);
        bytes memory signature = sign(PATIENT_KEY, objectionDigest(o));
        if (field % 4 == 0) o.handle = OTHER;
        if (field % 4 == 1) o.scope = keccak256("other");
        if (field % 4 == 2) o.terms = keccak256("other");
        if (field % 4 == 3) ++o.upToVersion;
        refuses(address(consents), abi.encodeCall(IConsentRegistry.object, (o, patient(), signature)));
    }

    function testFuzz_ofAWithdrawal(uint8 field) public {
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        send(Objection(HANDLE, keccak256("other"), TERMS, 0));
        send(Objection(OTHER, SCOPE, TERMS, 0));
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, withdrawalDigest(w));
        field %= 5;
        if (field == 0) w.handle = OTHER;
        if (field == 1) w.scope = keccak256("other");
        if (field == 2) ++w.version;
        if (field == 3) ++w.epoch;
        if (field == 4) ++w.deadline;
        refuses(address(consents), abi.encodeCall(IConsentRegistry.withdrawObjection, (w, patient(), signature)));
    }

    function test_ofABinding() public {
        bytes32 handle = keccak256("unbound");
        bytes memory signature = sign(PATIENT_KEY, bindDigest(handle, HOSPITAL_A, DEADLINE));
        bytes32 next = keccak256("unbound as well");
        refusesOf(OPERATOR_A, abi.encodeCall(IPatientRegistry.bind, (next, DEADLINE, patient(), signature)));
        refusesOf(OPERATOR_A, abi.encodeCall(IPatientRegistry.bind, (handle, DEADLINE + 1, patient(), signature)));
        refusesOf(OPERATOR_B, abi.encodeCall(IPatientRegistry.bind, (handle, DEADLINE, patient(), signature)));
    }

    function test_ofALockAndAnUnlocking() public {
        bytes memory signature = sign(PATIENT_KEY, lockDigest(HANDLE, 3));
        refuses(address(patients), abi.encodeCall(IPatientRegistry.lock, (OTHER, 3, patient(), signature)));
        refuses(address(patients), abi.encodeCall(IPatientRegistry.lock, (HANDLE, 4, patient(), signature)));
        lockHandle(HANDLE, 0);
        lockHandle(OTHER, 0);
        signature = sign(PATIENT_KEY, unlockDigest(HANDLE, 1, DEADLINE));
        bytes memory other = abi.encodeCall(IPatientRegistry.unlock, (OTHER, 1, DEADLINE, patient(), signature));
        refuses(address(patients), other);
        other = abi.encodeCall(IPatientRegistry.unlock, (HANDLE, 2, DEADLINE, patient(), signature));
        refuses(address(patients), other);
        other = abi.encodeCall(IPatientRegistry.unlock, (HANDLE, 1, DEADLINE + 1, patient(), signature));
        refuses(address(patients), other);
    }

    function test_ofADelegationsEnd() public {
        (bytes32 delegate, bytes32 next) = (keccak256("delegate"), keccak256("other"));
        bytes memory signature = sign(PATIENT_KEY, delegationEndDigest(HANDLE, delegate, 3));
        bytes memory call =
            abi.encodeCall(IPatientRegistry.endDelegation, (OTHER, delegate, 3, patient(), signature));
        refuses(address(patients), call);
        call = abi.encodeCall(IPatientRegistry.endDelegation, (HANDLE, next, 3, patient(), signature));
        refuses(address(patients), call);
        call = abi.encodeCall(IPatientRegistry.endDelegation, (HANDLE, delegate, 4, patient(), signature));
        refuses(address(patients), call);
    }

    function test_ofTheBreakGlassSwitch() public {
        bytes32 off = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
        bytes memory signature = sign(PATIENT_KEY, patientsDigest(keccak256(abi.encode(off, HANDLE, 3))));
        bytes memory call = abi.encodeCall(IPatientRegistry.switchBreakGlassOff, (OTHER, 3, patient(), signature));
        refuses(address(patients), call);
        call = abi.encodeCall(IPatientRegistry.switchBreakGlassOff, (HANDLE, 4, patient(), signature));
        refuses(address(patients), call);
        bytes32 on = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        signature = sign(PATIENT_KEY, patientsDigest(keccak256(abi.encode(on, HANDLE, 1, 0, DEADLINE))));
        refuses(address(patients), switchOn(OTHER, 1, 0, DEADLINE, signature));
        refuses(address(patients), switchOn(HANDLE, 2, 0, DEADLINE, signature));
        refuses(address(patients), switchOn(HANDLE, 1, 1, DEADLINE, signature));
        refuses(address(patients), switchOn(HANDLE, 1, 0, DEADLINE + 1, signature));
    }

    function switchOn(
        bytes32 handle,
        uint16 version,
        uint32 epoch,
        uint64 deadline,
        bytes memory signature
    ) private pure returns (bytes memory) {
        return abi.encodeCall(
            IPatientRegistry.switchBreakGlassOn, (handle, version, epoch, deadline, patient(), signature)
        );
    }

    function patient() private pure returns (bytes memory) {
        return signerOf(PATIENT_KEY);
    }

    function refusesOf(address sender, bytes memory call) private {
        vm.prank(sender);
        refuses(address(patients), call);
    }

    function refuses(address target, bytes memory call) private {
        (bool success, ) = target.call(call);
        vm.assertTrue(!success, "a field that the signature does not cover");
    }
}
