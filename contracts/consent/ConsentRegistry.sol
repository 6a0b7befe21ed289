// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {HandleWord} from "../patients/HandleWord.sol";
import {IPasskeyVerifier} from "../patients/IPasskeyVerifier.sol";
import {IPatientRegistry} from "../patients/IPatientRegistry.sol";
import {Signers} from "../patients/Signers.sol";
import {Grant, Objection, Reading, Revocation, Withdrawal} from "./ConsentTypes.sol";
import {ALL_FLAGS, ConsentState, ConsentWord, packConsent} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title Patients' consents
/// @dev Two rules hold in every slot: the version only rises, and a permit's version is below the last of the type, so
/// that a revocation that ends it exists. Nothing here asks who sends, nor whether a member is live.
contract ConsentRegistry is IConsentRegistry, EIP712 {
    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "Grant(bytes32 handle,Scope scope,Terms terms,uint16 fromDay,uint16 untilDay,uint8 flags,uint24 version,uint32 epoch,uint64 deadline)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)"
    );
    bytes32 private constant REVOCATION_TYPEHASH = keccak256(
        "Revocation(bytes32 handle,Scope scope,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );
    bytes32 private constant OBJECTION_TYPEHASH = keccak256(
        "Objection(bytes32 handle,Scope scope,Terms terms,uint24 upToVersion)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
        "Terms(string[] dataClasses,string[] sensitivities,bytes32 body,bytes32 salt)"
    );
    bytes32 private constant WITHDRAWAL_TYPEHASH = keccak256(
        "Withdrawal(bytes32 handle,Scope scope,uint24 version,uint32 epoch,uint64 deadline)"
        "Scope(string granteeType,string grantee,string purpose,bytes32 salt)"
    );

    /// @dev Ten years, leap days included.
    uint256 private constant MAX_PERIOD_DAYS = 3653;
    uint256 private constant MAX_LIST = 256;

    IMemberRegistry private immutable _members;
    IPatientRegistry private immutable _patients;
    IPasskeyVerifier private immutable _passkeys;

    mapping(bytes32 handle => mapping(bytes32 scope => ConsentWord)) private _words;

    constructor(IMemberRegistry members, IPatientRegistry patients) EIP712("Wayleave Consent", "1") {
        _members = members;
        _patients = patients;
        _passkeys = patients.passkeys();
    }

    /// @inheritdoc IConsentRegistry
    function grant(Grant calldata g, bytes calldata signer, bytes calldata signature) external {
        _checkDeadline(g.handle, g.deadline);
        _checkPeriod(g.fromDay, g.untilDay);
        if (g.flags & ~ALL_FLAGS != 0) revert ConsentFlagsUnknown(g.flags);
        _checkNextVersion(_words[g.handle][g.scope], g.handle, g.scope, g.version);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(GRANT_TYPEHASH, g)));
        bytes32 signerHash = _requireWidening(g.handle, g.epoch, signer, digest, signature);

        uint160 terms = uint160(uint256(g.terms));
        ConsentWord word =
            packConsent(ConsentState.Permit, g.flags, g.fromDay, g.untilDay, g.version, _now(), terms);
        _words[g.handle][g.scope] = word;
        emit ConsentGranted(g.handle, g.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function revoke(Revocation calldata r, bytes calldata signer, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(REVOCATION_TYPEHASH, r));
        bytes32 signerHash = _requireNarrowing(r.handle, r.scope, r.upToVersion, signer, structHash, signature);
        ConsentWord current = _words[r.handle][r.scope];
        if (_isPast(current, r.handle, r.scope, r.upToVersion)) return;

        // An objection stays: only its signed withdrawal, a widening act, ends it.
        bool objected = current.stateOf() == ConsentState.Objection;
        ConsentWord word = packConsent(
            objected ? ConsentState.Objection : ConsentState.Silent,
            0,
            0,
            0,
            r.upToVersion + 1,
            _now(),
            objected ? current.termsOf() : 0
        );
        _words[r.handle][r.scope] = word;
        emit ConsentRevoked(r.handle, r.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function object(Objection calldata o, bytes calldata signer, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(OBJECTION_TYPEHASH, o));
        bytes32 signerHash = _requireNarrowing(o.handle, o.scope, o.upToVersion, signer, structHash, signature);
        if (_isPast(_words[o.handle][o.scope], o.handle, o.scope, o.upToVersion)) return;

        uint160 terms = uint160(uint256(o.terms));
        ConsentWord word = packConsent(ConsentState.Objection, 0, 0, 0, o.upToVersion + 1, _now(), terms);
        _words[o.handle][o.scope] = word;
        emit ConsentObjected(o.handle, o.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawObjection(Withdrawal calldata w, bytes calldata signer, bytes calldata signature) external {
        _checkDeadline(w.handle, w.deadline);
        ConsentWord current = _words[w.handle][w.scope];
        _checkNextVersion(current, w.handle, w.scope, w.version);
        if (current.stateOf() != ConsentState.Objection) revert ConsentNoObjection(w.handle, w.scope);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(WITHDRAWAL_TYPEHASH, w)));
        bytes32 signerHash = _requireWidening(w.handle, w.epoch, signer, digest, signature);

        ConsentWord word = packConsent(ConsentState.Silent, 0, 0, 0, w.version, _now(), 0);
        _words[w.handle][w.scope] = word;
        emit ObjectionWithdrawn(w.handle, w.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function read(
        bytes32 handle,
        bytes32[] calldata scopes,
        bytes32 grantee,
        bytes32[] calldata groups
    ) external view returns (Reading memory reading) {
        if (scopes.length > MAX_LIST) revert ConsentListTooLong(scopes.length, MAX_LIST);
        if (groups.length > MAX_LIST) revert ConsentListTooLong(groups.length, MAX_LIST);

        reading.blockNumber = uint64(block.number);
        reading.blockTime = uint64(block.timestamp);
        (reading.custodian, reading.handleWord) = _patients.handleState(handle);
        reading.holder = _members.memberState(reading.custodian);
        reading.grantee = _members.memberState(grantee);
        reading.words = new ConsentWord[](scopes.length);
        for (uint256 i = 0; i < scopes.length; ++i) {
            reading.words[i] = _words[handle][scopes[i]];
        }
        reading.joinedAt = new uint64[](groups.length);
        for (uint256 i = 0; i < groups.length; ++i) {
            reading.joinedAt[i] = _members.joinedAt(groups[i], grantee);
        }
    }

    /// @inheritdoc IConsentRegistry
    function wordOf(bytes32 handle, bytes32 scope) external view returns (ConsentWord) {
        return _words[handle][scope];
    }

    /// @dev Emits `ConsentUnchanged` and says so where the slot is past what the patient revokes or objects to.
    function _isPast(ConsentWord current, bytes32 handle, bytes32 scope, uint24 upToVersion) private returns (bool) {
        uint24 version = current.versionOf();
        if (upToVersion >= version) return false;
        emit ConsentUnchanged(handle, scope, upToVersion, version);
        return true;
    }

    /// @dev The gate of every widening act: the owner's signature, for this epoch, on a handle that is not locked.
    function _requireWidening(
        bytes32 handle,
        uint32 epoch,
        bytes calldata signer,
        bytes32 digest,
        bytes calldata signature
    ) private view returns (bytes32 signerHash) {
        signerHash = Signers.requireSigned(_passkeys, signer, digest, signature);
        (bool owner, HandleWord word) = _patients.ownership(handle, signerHash);
        if (!owner) {
            (bytes32 custodian, ) = _patients.handleState(handle);
            if (custodian == 0) revert ConsentHandleUnbound(handle);
            revert ConsentSignerNotOwner(handle, signerHash);
        }
        if (word.isLocked()) revert ConsentHandleLocked(handle);
        if (epoch != word.epochOf()) revert ConsentEpochMismatch(handle, epoch, word.epochOf());
    }

    /// @dev The gate of every narrowing act: the owner's signature, and a version that has a next.
    function _requireNarrowing(
        bytes32 handle,
        bytes32 scope,
        uint24 upToVersion,
        bytes calldata signer,
        bytes32 structHash,
        bytes calldata signature
    ) private view returns (bytes32 signerHash) {
        if (upToVersion == type(uint24).max) revert ConsentVersionExhausted(handle, scope, upToVersion);
        signerHash = Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
        if (!_patients.isOwner(handle, signerHash)) revert ConsentSignerNotOwner(handle, signerHash);
    }

    function _checkDeadline(bytes32 handle, uint64 deadline) private view {
        if (deadline < block.timestamp) revert ConsentDeadlinePassed(handle, deadline, block.timestamp);
    }

    function _checkPeriod(uint16 fromDay, uint16 untilDay) private view {
        if (fromDay > untilDay) revert ConsentPeriodInverted(fromDay, untilDay);
        if (untilDay - fromDay > MAX_PERIOD_DAYS) revert ConsentPeriodTooLong(fromDay, untilDay, MAX_PERIOD_DAYS);
        uint256 today = block.timestamp / 1 days;
        if (untilDay < today) revert ConsentPeriodOver(untilDay, today);
    }

    function _checkNextVersion(ConsentWord current, bytes32 handle, bytes32 scope, uint24 version) private pure {
        uint256 expected = uint256(current.versionOf()) + 1;
        if (version != expected) revert ConsentVersionMismatch(handle, scope, version, expected);
        // No revocation could follow the last version, so nothing widens at it.
        if (version == type(uint24).max) revert ConsentVersionExhausted(handle, scope, version);
    }

    /// @dev Fits until 2106.
    function _now() private view returns (uint32) {
        return uint32(block.timestamp);
    }
}
