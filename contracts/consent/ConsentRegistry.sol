// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_CUSTODIAN} from "../members/MemberTypes.sol";
import {HandleWord} from "../patients/HandleWord.sol";
import {IPasskeyVerifier} from "../patients/IPasskeyVerifier.sol";
import {IPatientRegistry} from "../patients/IPatientRegistry.sol";
import {
    ACT_GRANT,
    ACT_OBJECT,
    ACT_REVOKE,
    ACT_WITHDRAW,
    Rights,
    SignerKind,
    SignerRights
} from "../patients/Rights.sol";
import {Signers} from "../patients/Signers.sol";
import {ConsentHashes} from "./ConsentHashes.sol";
import {
    Backing,
    Grant,
    Objection,
    Reading,
    Referral,
    Renewal,
    Revocation,
    RevocationList,
    Withdrawal
} from "./ConsentTypes.sol";
import {
    ALL_FLAGS,
    ConsentState,
    ConsentWord,
    FLAG_APPROVED,
    FLAG_MAY_REFER,
    FLAG_NEEDS_APPROVAL,
    packConsent
} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title Patients' consents
/// @dev Two rules hold in every slot: the version only rises, and a permit's version is below the last of the type, so
/// that a revocation that ends it exists. Nothing that a patient signs asks who sends, nor whether a member is live.
contract ConsentRegistry is IConsentRegistry, EIP712 {
    /// @dev Ten years, leap days included.
    uint256 private constant MAX_PERIOD_DAYS = 3653;
    uint256 private constant MAX_LIST = 256;
    /// @dev 100 first grants take about 5 million gas, 100 by passkey without a precompile would not fit in any case.
    uint256 private constant MAX_BATCH = 100;

    IMemberRegistry private immutable _members;
    IPatientRegistry private immutable _patients;
    IPasskeyVerifier internal immutable _passkeys;

    mapping(bytes32 handle => mapping(bytes32 scope => ConsentWord)) internal _words;
    mapping(bytes32 handle => mapping(bytes32 scope => mapping(bytes32 referral => Referral))) internal _referrals;

    constructor(IMemberRegistry members, IPatientRegistry patients) EIP712("Wayleave Consent", "1") {
        _members = members;
        _patients = patients;
        _passkeys = patients.passkeys();
    }

    /// @inheritdoc IConsentRegistry
    function grant(Grant calldata g, bytes calldata signer, bytes calldata signature) external {
        _grant(g, ConsentHashes.grant(g), new bytes32[](0), g.flags, signer, signature);
    }

    /// @inheritdoc IConsentRegistry
    function grantWith(
        Grant calldata g,
        Backing calldata backing,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        bytes32 structHash = ConsentHashes.grant(g);
        uint8 flags = g.flags;
        if (flags & FLAG_NEEDS_APPROVAL != 0) {
            _requireApproval(g, structHash, backing);
            flags |= FLAG_APPROVED;
        } else if (backing.approval.length != 0) {
            revert ConsentApprovalUnasked(g.handle, g.scope);
        }
        _grant(g, structHash, backing.proof, flags, signer, signature);
    }

    /// @inheritdoc IConsentRegistry
    function renew(
        Renewal calldata r,
        bytes32[] calldata proof,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        ConsentWord word = _renewed(r);
        bytes32 digest = _hashTypedDataV4(ConsentHashes.renewal(r));
        bytes32 signerHash = Signers.requireSigned(_passkeys, signer, digest, signature);
        (Rights rights, bytes32 root) = _requireWidening(r.handle, r.epoch, ACT_GRANT, signerHash);
        _checkDelegate(rights, signerHash, word);
        _checkScope(rights, root, signerHash, r.scope, proof);

        _words[r.handle][r.scope] = word;
        emit ConsentGranted(r.handle, r.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function revoke(Revocation calldata r, bytes calldata signer, bytes calldata signature) external {
        _checkHasNext(r.handle, r.scope, r.upToVersion);
        bytes32 signerHash = _requireSignedToNarrow(ConsentHashes.revocation(r), signer, signature);
        _requireNarrowing(r.handle, ACT_REVOKE, signerHash);
        _revoke(r.handle, r.scope, r.upToVersion, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function revokeMany(RevocationList calldata r, bytes calldata signer, bytes calldata signature) external {
        _checkList(r.items.length);
        bytes32 signerHash = _requireSignedToNarrow(ConsentHashes.revocationList(r), signer, signature);
        _requireNarrowing(r.handle, ACT_REVOKE, signerHash);
        for (uint256 i = 0; i < r.items.length; ++i) {
            (bytes32 scope, uint24 upToVersion) = (r.items[i].scope, r.items[i].upToVersion);
            if (upToVersion == type(uint24).max) {
                emit ConsentUnchanged(r.handle, scope, upToVersion, _wordIn(r.handle, scope).versionOf());
            } else {
                _revoke(r.handle, scope, upToVersion, signerHash);
            }
        }
    }

    /// @inheritdoc IConsentRegistry
    function object(Objection calldata o, bytes calldata signer, bytes calldata signature) external {
        _checkHasNext(o.handle, o.scope, o.upToVersion);
        bytes32 signerHash = _requireSignedToNarrow(ConsentHashes.objection(o), signer, signature);
        _requireNarrowing(o.handle, ACT_OBJECT, signerHash);
        uint24 version = _wordIn(o.handle, o.scope).versionOf();
        if (o.upToVersion < version) {
            emit ConsentUnchanged(o.handle, o.scope, o.upToVersion, version);
            return;
        }

        uint160 terms = uint160(uint256(o.terms));
        ConsentWord word = packConsent(ConsentState.Objection, 0, 0, 0, o.upToVersion + 1, _now(), terms);
        _words[o.handle][o.scope] = word;
        emit ConsentObjected(o.handle, o.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function withdrawObjection(Withdrawal calldata w, bytes calldata signer, bytes calldata signature) external {
        _checkDeadline(w.handle, w.deadline);
        ConsentWord current = _wordIn(w.handle, w.scope);
        _checkNextVersion(current, w.handle, w.scope, w.version);
        if (current.stateOf() != ConsentState.Objection) revert ConsentNoObjection(w.handle, w.scope);
        bytes32 digest = _hashTypedDataV4(ConsentHashes.withdrawal(w));
        bytes32 signerHash = Signers.requireSigned(_passkeys, signer, digest, signature);
        (Rights rights, bytes32 root) = _requireWidening(w.handle, w.epoch, ACT_WITHDRAW, signerHash);
        if (rights.isScoped()) revert ConsentDelegateScope(signerHash, w.scope, root);

        ConsentWord word = packConsent(ConsentState.Silent, 0, 0, 0, w.version, _now(), 0);
        _words[w.handle][w.scope] = word;
        emit ObjectionWithdrawn(w.handle, w.scope, word, signerHash);
    }

    /// @inheritdoc IConsentRegistry
    function batch(bytes[] calldata calls) external {
        if (calls.length > MAX_BATCH) revert ConsentListTooLong(calls.length, MAX_BATCH);
        for (uint256 i = 0; i < calls.length; ++i) {
            // A call of fewer bytes than a selector is refused by the dispatcher, as any other bad item.
            if (bytes4(calls[i]) == IConsentRegistry.batch.selector) revert ConsentBatchNested();
            uint256 gasBefore = gasleft();
            // To this very code: each item is checked as if it had been sent alone.
            (bool success, bytes memory reason) = address(this).delegatecall(calls[i]);
            if (success) continue;
            // EIP-150 keeps one part in 64 back at each of at most three calls deep: less than four left means that the
            // item ran out, which proves nothing against it.
            if (gasleft() < gasBefore / 16) revert ConsentBatchGas(i);
            emit BatchItemRefused(i, reason);
        }
    }

    /// @inheritdoc IConsentRegistry
    function anchorReferral(bytes32 handle, bytes32 scope, bytes32 referral, uint16 untilDay) external {
        bytes32 member = _members.requireRole(msg.sender, ROLE_CUSTODIAN);
        (bytes32 custodian, HandleWord handleWord) = _patients.handleState(handle);
        if (member != custodian) revert ConsentNotCustodian(handle, member);
        if (handleWord.isLocked()) revert ConsentHandleLocked(handle);
        if (handleWord.isRecovering()) revert SignerRights.SignerRecoveryPending(handle);
        ConsentWord parent = _wordIn(handle, scope);
        if (parent.stateOf() != ConsentState.Permit) revert ConsentNoPermit(handle, scope);
        if (parent.flagsOf() & FLAG_MAY_REFER == 0) {
            revert ConsentReferralForbidden(handle, scope, parent.flagsOf());
        }
        if (handleWord.suspends(parent.minedAtOf())) revert ConsentSuspended(handle, scope, parent.minedAtOf());
        uint256 today = block.timestamp / 1 days;
        if (untilDay < today) revert ConsentPeriodOver(untilDay, today);
        if (untilDay > parent.untilDayOf()) revert ConsentReferralTooLong(untilDay, parent.untilDayOf());
        if (_referrals[handle][scope][referral].anchoredAt != 0) revert ConsentReferralTaken(referral);

        _referrals[handle][scope][referral] = Referral(parent.versionOf(), untilDay, uint64(block.timestamp));
        emit ReferralAnchored(handle, scope, referral, untilDay, parent.versionOf());
    }

    /// @inheritdoc IConsentRegistry
    function referralOf(
        bytes32 handle,
        bytes32 scope,
        bytes32 referral
    ) external view returns (Referral memory anchored, bool live) {
        anchored = _referrals[handle][scope][referral];
        ConsentWord parent = _wordIn(handle, scope);
        (, HandleWord handleWord) = _patients.handleState(handle);
        // The parent's days hold the referral's: it was anchored within them, and any other parent has another version.
        live = anchored.anchoredAt != 0 && parent.stateOf() == ConsentState.Permit
            && parent.versionOf() == anchored.parentVersion && parent.fromDayOf() <= block.timestamp / 1 days
            && anchored.untilDay >= block.timestamp / 1 days && !handleWord.isLocked()
            && !handleWord.suspends(parent.minedAtOf());
    }

    /// @inheritdoc IConsentRegistry
    function read(
        bytes32 handle,
        bytes32[] calldata scopes,
        bytes32 grantee,
        bytes32[] calldata groups
    ) external view returns (Reading memory reading) {
        _checkList(scopes.length);
        _checkList(groups.length);

        reading.blockNumber = uint64(block.number);
        reading.blockTime = uint64(block.timestamp);
        (reading.custodian, reading.handleWord) = _patients.handleState(handle);
        reading.holder = _members.memberState(reading.custodian);
        reading.grantee = _members.memberState(grantee);
        reading.words = _wordsIn(handle, scopes);
        reading.joinedAt = new uint64[](groups.length);
        for (uint256 i = 0; i < groups.length; ++i) {
            reading.joinedAt[i] = _members.joinedAt(groups[i], grantee);
        }
    }

    /// @inheritdoc IConsentRegistry
    function wordOf(bytes32 handle, bytes32 scope) external view returns (ConsentWord) {
        return _wordIn(handle, scope);
    }

    function _grant(
        Grant calldata g,
        bytes32 structHash,
        bytes32[] memory proof,
        uint8 flags,
        bytes calldata signer,
        bytes calldata signature
    ) private {
        ConsentWord word = _granted(g, flags);
        bytes32 signerHash = Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
        (Rights rights, bytes32 root) = _requireWidening(g.handle, g.epoch, ACT_GRANT, signerHash);
        _checkDelegate(rights, signerHash, word);
        _checkScope(rights, root, signerHash, g.scope, proof);

        _words[g.handle][g.scope] = word;
        emit ConsentGranted(g.handle, g.scope, word, signerHash);
    }

    /// @dev The word of a grant that may stand here and now.
    function _granted(Grant calldata g, uint8 flags) private view returns (ConsentWord) {
        _checkDeadline(g.handle, g.deadline);
        _checkPeriod(g.fromDay, g.untilDay);
        if (g.flags & ~ALL_FLAGS != 0) revert ConsentFlagsUnknown(g.flags);
        _checkNextVersion(_wordIn(g.handle, g.scope), g.handle, g.scope, g.version);
        bool approved = flags & FLAG_APPROVED != 0;
        if (flags & FLAG_NEEDS_APPROVAL != 0 && !approved) revert ConsentApprovalMissing(g.handle, g.scope);
        uint160 terms = uint160(uint256(g.terms));
        return packConsent(ConsentState.Permit, flags, g.fromDay, g.untilDay, g.version, _now(), terms);
    }

    /// @dev The word of a renewal that may stand here and now.
    function _renewed(Renewal calldata r) private view returns (ConsentWord) {
        _checkDeadline(r.handle, r.deadline);
        ConsentWord current = _wordIn(r.handle, r.scope);
        _checkNextVersion(current, r.handle, r.scope, r.version);
        if (current.stateOf() != ConsentState.Permit) revert ConsentNoPermit(r.handle, r.scope);
        uint160 terms = current.termsOf();
        if (uint160(uint256(r.terms)) != terms) revert ConsentTermsMismatch(r.handle, r.scope, r.terms, terms);
        uint8 flags = current.flagsOf();
        if (flags & FLAG_NEEDS_APPROVAL != 0) revert ConsentApprovalMissing(r.handle, r.scope);
        uint16 fromDay = _laterOfToday(current.fromDayOf());
        _checkPeriod(fromDay, r.untilDay);
        return packConsent(ConsentState.Permit, flags, fromDay, r.untilDay, r.version, _now(), terms);
    }

    /// @dev Ends what is permitted up to a version, which is not the last. An objection stays: only its signed
    /// withdrawal, a widening act, ends it.
    function _revoke(bytes32 handle, bytes32 scope, uint24 upToVersion, bytes32 signerHash) private {
        ConsentWord current = _wordIn(handle, scope);
        uint24 version = current.versionOf();
        if (upToVersion < version) {
            emit ConsentUnchanged(handle, scope, upToVersion, version);
            return;
        }
        bool objected = current.stateOf() == ConsentState.Objection;
        ConsentWord word = packConsent(
            objected ? ConsentState.Objection : ConsentState.Silent,
            0,
            0,
            0,
            upToVersion + 1,
            _now(),
            objected ? current.termsOf() : 0
        );
        _words[handle][scope] = word;
        emit ConsentRevoked(handle, scope, word, signerHash);
    }

    /// @dev The word that decides in a slot. A contract that takes over from this one looks further here.
    function _wordIn(bytes32 handle, bytes32 scope) internal view virtual returns (ConsentWord) {
        return _words[handle][scope];
    }

    /// @dev The same for many slots of one patient.
    function _wordsIn(
        bytes32 handle,
        bytes32[] calldata scopes
    ) internal view virtual returns (ConsentWord[] memory words) {
        mapping(bytes32 => ConsentWord) storage slots = _words[handle];
        words = new ConsentWord[](scopes.length);
        for (uint256 i = 0; i < scopes.length; ++i) words[i] = slots[scopes[i]];
    }

    /// @dev Who signed what narrows. A contract that takes over also takes what was signed for its predecessors.
    function _requireSignedToNarrow(
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) internal view virtual returns (bytes32) {
        return Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
    }

    /// @dev The gate of every widening act: somebody who may, for this epoch, on a handle that is neither locked nor being
    /// recovered.
    function _requireWidening(
        bytes32 handle,
        uint32 epoch,
        uint8 act,
        bytes32 signerHash
    ) private view returns (Rights rights, bytes32 root) {
        HandleWord word;
        (rights, root, word) = _patients.rightsOf(handle, signerHash);
        if (rights.kindOf() == SignerKind.None) {
            (bytes32 custodian, ) = _patients.handleState(handle);
            if (custodian == 0) revert ConsentHandleUnbound(handle);
            revert ConsentSignerNotOwner(handle, signerHash);
        }
        if (word.isLocked()) revert ConsentHandleLocked(handle);
        if (epoch != word.epochOf()) revert ConsentEpochMismatch(handle, epoch, word.epochOf());
        SignerRights.requireAct(rights, word, handle, signerHash, act);
    }

    /// @dev The gate of every narrowing act: somebody who may.
    function _requireNarrowing(bytes32 handle, uint8 act, bytes32 signerHash) private view {
        Rights rights = _patients.narrowingRightsOf(handle, signerHash);
        if (rights.kindOf() == SignerKind.None) revert ConsentSignerNotOwner(handle, signerHash);
        SignerRights.requireNarrowing(rights, handle, signerHash, act);
    }

    /// @dev The custodian's own signature over the grant, by an account of it that may act now.
    function _requireApproval(Grant calldata g, bytes32 structHash, Backing calldata backing) private view {
        if (backing.approval.length == 0) revert ConsentApprovalMissing(g.handle, g.scope);
        _checkDeadline(g.handle, backing.approvalDeadline);
        bytes32 digest = _hashTypedDataV4(ConsentHashes.approval(structHash, backing.approvalDeadline));
        (address approver, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, backing.approval);
        if (problem != ECDSA.RecoverError.NoError) revert ConsentApprovalForeign(g.handle, address(0));
        bytes32 member = _members.requireRole(approver, ROLE_CUSTODIAN);
        (bytes32 custodian, ) = _patients.handleState(g.handle);
        if (member != custodian) revert ConsentApprovalForeign(g.handle, approver);
    }

    /// @dev A delegate's period counts from today where it begins earlier, so that none reaches far ahead.
    function _checkDelegate(Rights rights, bytes32 signerHash, ConsentWord word) private view {
        if (rights.kindOf() != SignerKind.Delegate) return;
        (uint16 fromDay, uint16 untilDay) = (word.fromDayOf(), word.untilDayOf());
        uint256 today = block.timestamp / 1 days;
        uint256 first = fromDay < today ? fromDay : today;
        if (untilDay - first > rights.longestDaysOf()) {
            revert ConsentDelegatePeriodTooLong(signerHash, fromDay, untilDay, rights.longestDaysOf());
        }
        uint8 flags = word.flagsOf() & ALL_FLAGS;
        if (flags & ~rights.flagsOf() != 0) revert ConsentDelegateFlags(signerHash, flags, rights.flagsOf());
    }

    /// @dev Leaves are hashed twice, so that no inner node passes for one.
    function _checkScope(
        Rights rights,
        bytes32 root,
        bytes32 signerHash,
        bytes32 scope,
        bytes32[] memory proof
    ) private pure {
        if (!rights.isScoped()) return;
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(scope))));
        if (!MerkleProof.verify(proof, root, leaf)) revert ConsentDelegateScope(signerHash, scope, root);
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
        _checkHasNext(handle, scope, version);
    }

    function _checkHasNext(bytes32 handle, bytes32 scope, uint24 version) private pure {
        if (version == type(uint24).max) revert ConsentVersionExhausted(handle, scope, version);
    }

    function _checkList(uint256 length) internal pure {
        if (length > MAX_LIST) revert ConsentListTooLong(length, MAX_LIST);
    }

    function _laterOfToday(uint16 day) private view returns (uint16) {
        uint256 today = block.timestamp / 1 days;
        return day > today ? day : uint16(today);
    }

    /// @dev Fits until 2106.
    function _now() private view returns (uint32) {
        return uint32(block.timestamp);
    }
}
