// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {AccessLog} from "../access/AccessLog.sol";
import {ConsentRegistry} from "../consent/ConsentRegistry.sol";
import {MemberRegistry} from "../members/MemberRegistry.sol";
import {ALL_ROLES} from "../members/MemberTypes.sol";
import {HandleWord} from "../patients/HandleWord.sol";
import {PasskeyVerifier} from "../patients/PasskeyVerifier.sol";
import {PatientRegistry} from "../patients/PatientRegistry.sol";
import {RecordDirectory} from "../records/RecordDirectory.sol";
import {vm} from "./Vm.t.sol";

/// @title All contracts, with two hospitals and one patient bound at the first
/// @dev The test itself is the council.
abstract contract Deployment {
    uint256 internal constant NOW = 1_800_000_000;
    uint16 internal constant TODAY = uint16(NOW / 1 days);
    uint64 internal constant DEADLINE = uint64(NOW + 900);

    bytes32 internal constant HOSPITAL_A = keccak256("urn:oid:2.999.1|hospital-a");
    bytes32 internal constant HOSPITAL_B = keccak256("urn:oid:2.999.1|hospital-b");
    address internal constant OPERATOR_A = address(0xA11);
    address internal constant OPERATOR_B = address(0xB11);
    bytes32 internal constant HANDLE = keccak256("a handle");

    uint256 internal constant PATIENT_KEY = 0xA71E27;
    uint256 internal constant STRANGER_KEY = 0x57A26E;

    AccessManager internal manager;
    MemberRegistry internal members;
    PasskeyVerifier internal passkeys;
    PatientRegistry internal patients;
    ConsentRegistry internal consents;
    RecordDirectory internal records;
    AccessLog internal accessLog;

    function setUp() public virtual {
        vm.warp(NOW);
        manager = new AccessManager(address(this));
        members = new MemberRegistry(address(manager));
        passkeys = new PasskeyVerifier();
        patients = new PatientRegistry(members, passkeys);
        consents = new ConsentRegistry(members, patients);
        records = new RecordDirectory(members);
        accessLog = new AccessLog(members);
        members.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        members.admit(HOSPITAL_B, ALL_ROLES, OPERATOR_B, "{}");
        bindHandle(HANDLE);
    }

    function bindHandle(bytes32 handle) internal {
        bytes memory signature = sign(PATIENT_KEY, bindDigest(handle, HOSPITAL_A, DEADLINE));
        vm.prank(OPERATOR_A);
        patients.bind(handle, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function lockHandle(bytes32 handle, uint32 upToEpoch) internal {
        patients.lock(handle, upToEpoch, signerOf(PATIENT_KEY), sign(PATIENT_KEY, lockDigest(handle, upToEpoch)));
    }

    function unlockHandle(bytes32 handle, uint32 epoch) internal {
        bytes memory signature = sign(PATIENT_KEY, unlockDigest(handle, epoch, DEADLINE));
        patients.unlock(handle, epoch, DEADLINE, signerOf(PATIENT_KEY), signature);
    }

    function epochOf(bytes32 handle) internal view returns (uint32) {
        (, HandleWord word) = patients.handleState(handle);
        return word.epochOf();
    }

    function signerOf(uint256 key) internal pure returns (bytes memory) {
        return abi.encodePacked(vm.addr(key));
    }

    function signerHashOf(uint256 key) internal pure returns (bytes32) {
        return keccak256(signerOf(key));
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function bindDigest(bytes32 handle, bytes32 custodian, uint64 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Bind(bytes32 handle,bytes32 custodian,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, custodian, deadline)));
    }

    function lockDigest(bytes32 handle, uint32 upToEpoch) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Lock(bytes32 handle,uint32 upToEpoch)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, upToEpoch)));
    }

    function unlockDigest(bytes32 handle, uint32 epoch, uint64 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Unlock(bytes32 handle,uint32 epoch,uint64 deadline)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, epoch, deadline)));
    }

    function patientsDigest(bytes32 structHash) internal view returns (bytes32) {
        return digestOf("Wayleave Patients", address(patients), structHash);
    }

    /// @dev EIP-712, written out here so that nothing of the contracts' own hashing is trusted.
    function digestOf(
        string memory name,
        address verifyingContract,
        bytes32 structHash
    ) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifyingContract
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
