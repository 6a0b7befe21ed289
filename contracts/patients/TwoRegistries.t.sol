// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {PatientRegistry} from "./PatientRegistry.sol";
import {PatientRegistrySuccessor} from "./PatientRegistrySuccessor.sol";
import {Delegation} from "./PatientTypes.sol";
import {Bounds} from "./Rights.sol";
import {Signers} from "./Signers.sol";

/// @title Acting at a patient registry or at its successor
/// @dev `patients`, which the helpers sign for and send to, is the one that was named last by `on`.
abstract contract TwoRegistries is Acts {
    uint256 internal constant HELPER_KEY = 0x4E19E2;
    uint256 internal constant NEW_KEY = 0x4E3;
    uint256 internal constant SECOND_KEY = 0x5EC;
    address internal constant SECOND_REGISTRAR = address(0xA22);
    uint16 internal constant QUARTER_END = 20908;

    PatientRegistry internal old;
    PatientRegistrySuccessor internal next;

    function setUp() public virtual override {
        super.setUp();
        vm.prank(OPERATOR_A);
        members.setOperator(SECOND_REGISTRAR, true);
        old = patients;
        next = new PatientRegistrySuccessor(members, passkeys, old);
    }

    function on(PatientRegistry registry) internal {
        patients = registry;
    }

    function appointHelper() internal {
        on(old);
        Delegation memory d = nextDelegation(HELPER_KEY);
        d.version = old.lastRightsOf(HANDLE, d.delegate).rightsVersionOf() + 1;
        if (!wordOf(HANDLE).isLocked()) appoint(d);
    }

    function appointBy(uint256 key, uint256 delegate, uint24 version) internal {
        uint16 until = uint16(block.timestamp / 1 days + 30);
        Bounds memory bounds = Bounds(63, 15, 30, until, 0);
        uint64 deadline = uint64(block.timestamp);
        uint32 epoch = epochOf(HANDLE);
        if (wordOf(HANDLE).isLocked()) unlock(key, epoch);
        Delegation memory d = Delegation(HANDLE, signerHashOf(delegate), bounds, version, epoch, deadline);
        patients.appoint(d, signerOf(key), sign(key, delegationDigest(d)));
    }

    function endBy(uint256 key, uint256 delegate, uint24 upTo) internal {
        endDelegation(key, delegate, upTo);
    }

    function unlock(uint256 key, uint32 epoch) internal {
        uint64 deadline = uint64(block.timestamp);
        patients.unlock(HANDLE, epoch, deadline, signerOf(key), sign(key, unlockDigest(HANDLE, epoch, deadline)));
    }

    function switchOffDigest(uint16 upTo) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("BreakGlassOff(bytes32 handle,uint16 upToVersion)");
        return patientsDigest(keccak256(abi.encode(typeHash, HANDLE, upTo)));
    }

    function switchOff(uint16 upTo) internal {
        patients.switchBreakGlassOff(HANDLE, upTo, signerOf(PATIENT_KEY), sign(PATIENT_KEY, switchOffDigest(upTo)));
    }

    function switchOn(uint16 version) internal {
        bytes32 typeHash = keccak256("BreakGlassOn(bytes32 handle,uint16 version,uint32 epoch,uint64 deadline)");
        uint32 epoch = epochOf(HANDLE);
        bytes32 digest = patientsDigest(keccak256(abi.encode(typeHash, HANDLE, version, epoch, DEADLINE)));
        patients.switchBreakGlassOn(HANDLE, version, epoch, DEADLINE, signerOf(PATIENT_KEY), sign(PATIENT_KEY, digest));
    }

    function badSignature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHashOf(key), digest);
    }

    function notOwner(bytes32 handle, uint256 key) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPatientRegistry.PatientSignerNotOwner.selector, handle, signerHashOf(key));
    }

    function locked() internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPatientRegistry.PatientHandleLocked.selector, HANDLE);
    }
}
