// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {AccessLog} from "../access/AccessLog.sol";
import {ConsentRegistry} from "../consent/ConsentRegistry.sol";
import {MemberRegistry} from "../members/MemberRegistry.sol";
import {ALL_ROLES} from "../members/MemberTypes.sol";
import {HandleWord} from "../patients/HandleWord.sol";
import {PasskeyVerifier} from "../patients/PasskeyVerifier.sol";
import {Delegation} from "../patients/PatientTypes.sol";
import {PatientRegistry} from "../patients/PatientRegistry.sol";
import {Bounds} from "../patients/Rights.sol";
import {RecordDirectory} from "../records/RecordDirectory.sol";
import {Dates} from "./Dates.t.sol";
import {vm} from "./Vm.t.sol";

/// @title All contracts, with two hospitals and one patient bound at the first
/// @dev The test itself is the council.
abstract contract Deployment is Dates {
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
        members.admit(HOSPITAL_A, ALL_ROLES, OPERATOR_A, "{}");
        members.admit(HOSPITAL_B, ALL_ROLES, OPERATOR_B, "{}");
        bindHandle(HANDLE);
        patients = taken(patients);
        consents = new ConsentRegistry(members, patients);
        records = new RecordDirectory(members);
        accessLog = new AccessLog(members);
    }

    /// @dev Where the same tests are to hold for a successor, it stands here.
    function taken(PatientRegistry registry) internal virtual returns (PatientRegistry) {
        return registry;
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

    function delegationDigest(Delegation memory d) internal view returns (bytes32) {
        string memory bounds =
            "Bounds(bool mayGrant,bool mayRevoke,bool mayObject,bool mayWithdrawObjections,bool mayLock,bool mayUnlock,bool snapshotOnly,bool mayBeReferredOn,bool needsApproval,bool laterMembersToo,uint16 longestDays,string until,bytes32 scopes)";
        string memory main =
            "Delegation(bytes32 handle,bytes32 delegate,Bounds bounds,uint24 version,uint32 epoch,uint64 deadline)";
        bytes memory words = abi.encodePacked(keccak256(bytes(bounds)));
        for (uint256 bit = 0; bit < 6; ++bit) words = abi.encodePacked(words, uint256(d.bounds.acts >> bit) & 1);
        for (uint256 bit = 0; bit < 4; ++bit) words = abi.encodePacked(words, uint256(d.bounds.flags >> bit) & 1);
        words = abi.encodePacked(words, abi.encode(d.bounds.longestDays, dateHash(d.bounds.untilDay), d.bounds.scopes));
        bytes32 typeHash = keccak256(abi.encodePacked(main, bounds));
        return patientsDigest(
            keccak256(abi.encode(typeHash, d.handle, d.delegate, keccak256(words), d.version, d.epoch, d.deadline))
        );
    }

    function delegationEndDigest(bytes32 handle, bytes32 delegate, uint24 upTo) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("DelegationEnd(bytes32 handle,bytes32 delegate,uint24 upToVersion)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, delegate, upTo)));
    }

    function recoveryDigest(
        bytes32 handle,
        uint32 attempt,
        uint16 untilDay,
        uint64 deadline
    ) internal view returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Recovery(bytes32 handle,bytes32 custodian,uint32 attempt,string until,uint64 deadline)"
        );
        return patientsDigest(keccak256(abi.encode(typeHash, handle, HOSPITAL_A, attempt, endHash(untilDay), deadline)));
    }

    function vetoDigest(bytes32 handle, uint32 attempt) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("RecoveryVeto(bytes32 handle,uint32 attempt)");
        return patientsDigest(keccak256(abi.encode(typeHash, handle, attempt)));
    }

    /// @dev A delegate with every act and flag, for a year.
    function nextDelegation(uint256 key) internal view returns (Delegation memory) {
        bytes32 delegate = signerHashOf(key);
        Bounds memory bounds = Bounds(63, 15, 365, TODAY + 365, 0);
        return Delegation(HANDLE, delegate, bounds, 1, epochOf(HANDLE), DEADLINE);
    }

    function appoint(Delegation memory d) internal {
        patients.appoint(d, signerOf(PATIENT_KEY), sign(PATIENT_KEY, delegationDigest(d)));
    }

    function endDelegation(uint256 key, uint256 delegate, uint24 upTo) internal {
        bytes32 hash = signerHashOf(delegate);
        bytes memory signature = sign(key, delegationEndDigest(HANDLE, hash, upTo));
        patients.endDelegation(HANDLE, hash, upTo, signerOf(key), signature);
    }

    function startRecovery(uint256 key, uint32 attempt) internal {
        uint64 deadline = uint64(block.timestamp);
        bytes memory signature = sign(key, recoveryDigest(HANDLE, attempt, 0, deadline));
        vm.prank(OPERATOR_A);
        patients.startRecovery(HANDLE, 0, deadline, signerOf(key), signature);
    }

    function overrideVeto(address registrar, uint256 key, uint32 attempt) internal {
        uint64 deadline = uint64(block.timestamp);
        bytes memory signature = sign(key, recoveryDigest(HANDLE, attempt, 0, deadline));
        vm.prank(registrar);
        patients.overrideVeto(HANDLE, 0, deadline, signerOf(key), signature);
    }

    function veto(uint256 key, uint32 attempt) internal {
        patients.vetoRecovery(HANDLE, attempt, signerOf(key), sign(key, vetoDigest(HANDLE, attempt)));
    }

    function wordOf(bytes32 handle) internal view returns (HandleWord word) {
        (, word) = patients.handleState(handle);
    }

    /// @dev Of a recovery: the empty text where there is no end.
    function endHash(uint16 untilDay) internal pure returns (bytes32) {
        return untilDay == 0 ? keccak256("") : dateHash(untilDay);
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
