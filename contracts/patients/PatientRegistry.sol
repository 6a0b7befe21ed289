// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_REGISTRAR} from "../members/MemberTypes.sol";
import {HandleWord} from "./HandleWord.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {Signers} from "./Signers.sol";

/// @title Patients' handles and who signs for them
contract PatientRegistry is IPatientRegistry, EIP712 {
    bytes32 private constant BIND_TYPEHASH = keccak256("Bind(bytes32 handle,bytes32 custodian,uint64 deadline)");
    bytes32 private constant LOCK_TYPEHASH = keccak256("Lock(bytes32 handle,uint32 upToEpoch)");
    bytes32 private constant UNLOCK_TYPEHASH = keccak256("Unlock(bytes32 handle,uint32 epoch,uint64 deadline)");

    IMemberRegistry private immutable _members;
    IPasskeyVerifier private immutable _passkeys;

    mapping(bytes32 handle => bytes32 custodian) private _custodians;
    mapping(bytes32 handle => HandleWord) private _words;
    mapping(bytes32 handle => mapping(bytes32 signerHash => bool)) private _owners;

    constructor(IMemberRegistry members, IPasskeyVerifier verifier) EIP712("Wayleave Patients", "1") {
        _members = members;
        _passkeys = verifier;
    }

    /// @inheritdoc IPatientRegistry
    function bind(bytes32 handle, uint64 deadline, bytes calldata signer, bytes calldata signature) external {
        bytes32 custodian = _members.requireRole(msg.sender, ROLE_REGISTRAR);
        _checkDeadline(handle, deadline);
        if (_custodians[handle] != 0) revert PatientHandleBound(handle, _custodians[handle]);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(BIND_TYPEHASH, handle, custodian, deadline)));
        bytes32 signerHash = Signers.requireSigned(_passkeys, signer, digest, signature);

        _custodians[handle] = custodian;
        _owners[handle][signerHash] = true;
        emit HandleBound(handle, custodian, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function lock(bytes32 handle, uint32 upToEpoch, bytes calldata signer, bytes calldata signature) external {
        if (upToEpoch == type(uint32).max) revert PatientEpochExhausted(handle, upToEpoch);
        bytes32 structHash = keccak256(abi.encode(LOCK_TYPEHASH, handle, upToEpoch));
        bytes32 signerHash = _requireOwner(handle, structHash, signer, signature);

        HandleWord word = _words[handle];
        if (upToEpoch < word.epochOf()) {
            emit LockUnchanged(handle, upToEpoch, word.epochOf());
            return;
        }
        uint32 epoch = upToEpoch + 1;
        _words[handle] = word.lockedAt(epoch);
        emit HandleLocked(handle, epoch, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function unlock(
        bytes32 handle,
        uint32 epoch,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        _checkDeadline(handle, deadline);
        HandleWord word = _words[handle];
        if (!word.isLocked()) revert PatientHandleNotLocked(handle);
        if (epoch != word.epochOf()) revert PatientEpochMismatch(handle, epoch, word.epochOf());
        // At the last epoch no lock could follow, so this one stays.
        if (epoch == type(uint32).max) revert PatientEpochExhausted(handle, epoch);
        bytes32 structHash = keccak256(abi.encode(UNLOCK_TYPEHASH, handle, epoch, deadline));
        bytes32 signerHash = _requireOwner(handle, structHash, signer, signature);

        _words[handle] = word.unlocked();
        emit HandleUnlocked(handle, epoch, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function passkeys() external view returns (IPasskeyVerifier) {
        return _passkeys;
    }

    /// @inheritdoc IPatientRegistry
    function handleState(bytes32 handle) external view returns (bytes32 custodian, HandleWord word) {
        return (_custodians[handle], _words[handle]);
    }

    /// @inheritdoc IPatientRegistry
    function isOwner(bytes32 handle, bytes32 signerHash) external view returns (bool) {
        return _owners[handle][signerHash];
    }

    /// @inheritdoc IPatientRegistry
    function ownership(bytes32 handle, bytes32 signerHash) external view returns (bool owner, HandleWord word) {
        return (_owners[handle][signerHash], _words[handle]);
    }

    function _requireOwner(
        bytes32 handle,
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) private view returns (bytes32 signerHash) {
        signerHash = Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
        if (!_owners[handle][signerHash]) revert PatientSignerNotOwner(handle, signerHash);
    }

    function _checkDeadline(bytes32 handle, uint64 deadline) private view {
        if (deadline < block.timestamp) revert PatientDeadlinePassed(handle, deadline, block.timestamp);
    }
}
