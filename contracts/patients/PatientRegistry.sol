// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ALL_FLAGS} from "../consent/ConsentWord.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {ROLE_REGISTRAR} from "../members/MemberTypes.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {PatientHashes} from "./PatientHashes.sol";
import {Delegation, Recovery} from "./PatientTypes.sol";
import {Quarters} from "./Quarters.sol";
import {
    ACT_LOCK,
    ACT_UNLOCK,
    ALL_ACTS,
    packDelegate,
    packOwner,
    Rights,
    SignerKind,
    SignerRights
} from "./Rights.sol";
import {Signers} from "./Signers.sol";

/// @title Patients' handles and who signs for them
/// @dev Rights count only in the generation in which they were given; a completed recovery begins a new one, which voids
/// all of them at once, however many there are.
contract PatientRegistry is IPatientRegistry, EIP712 {
    /// @dev How long the old key has to veto.
    uint64 private constant RECOVERY_WAIT = 7 days;
    /// @dev How far back before a recovery's start grants are suspended.
    uint64 private constant SUSPECT_PERIOD = 30 days;

    IMemberRegistry private immutable _members;
    IPasskeyVerifier internal immutable _passkeys;

    /// @dev A veto's override, for which one registrar has vouched.
    struct Override {
        bytes32 structHash;
        address registrar;
    }

    mapping(bytes32 handle => bytes32 custodian) internal _custodians;
    mapping(bytes32 handle => HandleWord) internal _words;
    mapping(bytes32 handle => mapping(bytes32 signerHash => Rights)) internal _rights;
    /// @dev The owner or guardian, of whom there is one.
    mapping(bytes32 handle => bytes32 signerHash) internal _masters;
    mapping(bytes32 handle => mapping(bytes32 signerHash => bytes32 root)) internal _scopes;
    mapping(bytes32 handle => Recovery) internal _recoveries;
    mapping(bytes32 handle => Override) private _overrides;

    constructor(IMemberRegistry members, IPasskeyVerifier verifier) EIP712("Wayleave Patients", "1") {
        _members = members;
        _passkeys = verifier;
    }

    /// @inheritdoc IPatientRegistry
    function bind(bytes32 handle, uint64 deadline, bytes calldata signer, bytes calldata signature) external {
        bytes32 custodian = _requireUnbound(handle, deadline);
        bytes32 structHash = PatientHashes.bind(handle, custodian, deadline);
        bytes32 signerHash = _requireSigned(structHash, signer, signature);

        _custodians[handle] = custodian;
        _rights[handle][signerHash] = packOwner(SignerKind.Owner, 0, 0, 0);
        _masters[handle] = signerHash;
        emit HandleBound(handle, custodian, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function bindGuardian(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        bytes32 custodian = _requireUnbound(handle, deadline);
        _checkGuardianEnd(untilDay);
        bytes32 structHash = PatientHashes.bindGuardian(handle, custodian, untilDay, deadline);
        bytes32 signerHash = _requireSigned(structHash, signer, signature);

        _custodians[handle] = custodian;
        _rights[handle][signerHash] = packOwner(SignerKind.Guardian, untilDay, 0, 0);
        _masters[handle] = signerHash;
        emit HandleBound(handle, custodian, signerHash);
        emit GuardianSet(handle, signerHash, untilDay);
    }

    /// @inheritdoc IPatientRegistry
    function lock(bytes32 handle, uint32 upToEpoch, bytes calldata signer, bytes calldata signature) external {
        if (upToEpoch == type(uint32).max) revert PatientEpochExhausted(handle, upToEpoch);
        bytes32 signerHash = _requireSignedToNarrow(PatientHashes.lock(handle, upToEpoch), signer, signature);
        HandleWord word = _checkAct(handle, ACT_LOCK, signerHash);
        if (upToEpoch < word.epochOf()) {
            emit LockUnchanged(handle, upToEpoch, word.epochOf());
            return;
        }
        uint32 epoch = upToEpoch + 1;
        _write(handle, word.lockedAt(epoch));
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
        HandleWord word = _wordOf(handle);
        if (!word.isLocked()) revert PatientHandleNotLocked(handle);
        _checkEpoch(handle, word, epoch);
        // At the last epoch no lock could follow, so this one stays.
        if (epoch == type(uint32).max) revert PatientEpochExhausted(handle, epoch);
        bytes32 structHash = PatientHashes.unlock(handle, epoch, deadline);
        bytes32 signerHash = _requireSigned(structHash, signer, signature);
        _checkAct(handle, ACT_UNLOCK, signerHash);

        _write(handle, word.unlocked());
        emit HandleUnlocked(handle, epoch, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function appoint(Delegation calldata d, bytes calldata signer, bytes calldata signature) external {
        HandleWord word = _requireWidening(d.handle, d.epoch, d.deadline);
        if (d.bounds.acts == 0 || d.bounds.acts & ~ALL_ACTS != 0) revert PatientActsUnknown(d.bounds.acts);
        if (d.bounds.flags & ~ALL_FLAGS != 0) revert PatientFlagsUnknown(d.bounds.flags);
        _checkEnd(d.bounds.untilDay);
        _checkVersion(d.handle, d.version, _rightsIn(d.handle, d.delegate).rightsVersionOf(), type(uint24).max);
        _requireNoMaster(d.handle, d.delegate, word);
        bytes32 signerHash = _requireMaster(d.handle, PatientHashes.delegation(d), signer, signature);

        Rights rights = packDelegate(d.bounds, d.version, word.generationOf());
        _rights[d.handle][d.delegate] = rights;
        _scopes[d.handle][d.delegate] = d.bounds.scopes;
        emit DelegateSet(d.handle, d.delegate, rights, d.bounds.scopes, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function endDelegation(
        bytes32 handle,
        bytes32 delegate,
        uint24 upToVersion,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        if (upToVersion == type(uint24).max) revert PatientVersionExhausted(handle, upToVersion);
        bytes32 structHash = PatientHashes.delegationEnd(handle, delegate, upToVersion);
        bytes32 signerHash = _requireSignedToNarrow(structHash, signer, signature);
        Rights rights = _rightsIn(handle, delegate);
        bool own = signerHash == delegate && rights.kindOf() == SignerKind.Delegate;
        if (!own) _checkMaster(handle, signerHash);
        _requireNoMaster(handle, delegate, _wordOf(handle));

        uint24 version = rights.rightsVersionOf();
        if (upToVersion < version) {
            emit DelegateUnchanged(handle, delegate, upToVersion, version);
            return;
        }
        _rights[handle][delegate] = rights.without(upToVersion + 1);
        emit DelegateEnded(handle, delegate, upToVersion + 1, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function switchBreakGlassOff(
        bytes32 handle,
        uint16 upToVersion,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        if (upToVersion == type(uint16).max) revert PatientVersionExhausted(handle, upToVersion);
        bytes32 structHash = PatientHashes.breakGlassOff(handle, upToVersion);
        bytes32 signerHash = _requireSignedToNarrow(structHash, signer, signature);
        HandleWord word = _checkMaster(handle, signerHash);
        uint16 version = word.breakGlassVersionOf();
        if (upToVersion < version) {
            emit BreakGlassUnchanged(handle, upToVersion, version);
            return;
        }
        _write(handle, word.withBreakGlass(true, upToVersion + 1));
        emit BreakGlassSwitched(handle, true, upToVersion + 1, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function switchBreakGlassOn(
        bytes32 handle,
        uint16 version,
        uint32 epoch,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        HandleWord word = _requireWidening(handle, epoch, deadline);
        _checkVersion(handle, version, word.breakGlassVersionOf(), type(uint16).max);
        bytes32 structHash = PatientHashes.breakGlassOn(handle, version, epoch, deadline);
        bytes32 signerHash = _requireMaster(handle, structHash, signer, signature);

        _write(handle, word.withBreakGlass(false, version));
        emit BreakGlassSwitched(handle, false, version, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function startRecovery(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        _requireState(handle, RecoveryState.None);
        (bytes32 newSigner, ) = _requireNewKey(handle, untilDay, deadline, signer, signature);
        _start(handle, newSigner, untilDay, RecoveryState.Pending);
    }

    /// @inheritdoc IPatientRegistry
    function vetoRecovery(
        bytes32 handle,
        uint32 attempt,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        // A recovery that overrides a veto is not vetoed again.
        HandleWord word = _requireState(handle, RecoveryState.Pending);
        uint32 expected = _recoveryIn(handle).attempt;
        if (attempt != expected) revert PatientAttemptMismatch(handle, attempt, expected);
        bytes32 structHash = PatientHashes.recoveryVeto(handle, attempt);
        bytes32 signerHash = _requireMaster(handle, structHash, signer, signature);

        _writeRecovery(handle, word.withRecovery(RecoveryState.Vetoed));
        emit RecoveryVetoed(handle, attempt, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function overrideVeto(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) external {
        _requireState(handle, RecoveryState.Vetoed);
        (bytes32 newSigner, bytes32 structHash) = _requireNewKey(handle, untilDay, deadline, signer, signature);
        // Bound to the key as well: two keys may prove the same words.
        bytes32 proof = keccak256(abi.encode(structHash, newSigner));
        Override memory first = _overrides[handle];
        if (first.structHash != proof) {
            _overrides[handle] = Override(proof, msg.sender);
            emit RecoveryOverrideProposed(handle, _recoveryIn(handle).attempt + 1, newSigner, msg.sender);
            return;
        }
        if (first.registrar == msg.sender) revert PatientRegistrarTwice(handle, msg.sender);
        delete _overrides[handle];
        _start(handle, newSigner, untilDay, RecoveryState.Overriding);
    }

    /// @inheritdoc IPatientRegistry
    function cancelRecovery(bytes32 handle) external {
        _requireCustodian(handle);
        (HandleWord word, RecoveryState state) = _requireRecovering(handle);
        bool vetoed = state == RecoveryState.Overriding;
        _writeRecovery(handle, word.withRecovery(vetoed ? RecoveryState.Vetoed : RecoveryState.None));
        emit RecoveryCancelled(handle, _recoveryIn(handle).attempt);
    }

    /// @inheritdoc IPatientRegistry
    function completeRecovery(bytes32 handle) external {
        (HandleWord word, ) = _requireRecovering(handle);
        Recovery memory r = _recoveryIn(handle);
        if (block.timestamp < r.readyAt) revert PatientRecoveryTooEarly(handle, r.readyAt, block.timestamp);
        if (word.epochOf() == type(uint32).max) revert PatientEpochExhausted(handle, word.epochOf());

        // Both times fit until 2106.
        word = word.recovered(uint32(block.timestamp), uint32(r.startedAt - SUSPECT_PERIOD));
        _writeRecovery(handle, word);
        SignerKind kind = r.untilDay == 0 ? SignerKind.Owner : SignerKind.Guardian;
        bytes32 old = _masters[handle];
        _rights[handle][old] = _rights[handle][old].without(_rights[handle][old].rightsVersionOf());
        uint24 version = _rightsIn(handle, r.newSigner).rightsVersionOf();
        _masters[handle] = r.newSigner;
        _rights[handle][r.newSigner] = packOwner(kind, r.untilDay, version, word.generationOf());
        emit RecoveryCompleted(handle, r.attempt, r.newSigner, word);
        if (r.untilDay != 0) emit GuardianSet(handle, r.newSigner, r.untilDay);
    }

    /// @inheritdoc IPatientRegistry
    function passkeys() external view returns (IPasskeyVerifier) {
        return _passkeys;
    }

    /// @inheritdoc IPatientRegistry
    function handleState(bytes32 handle) external view returns (bytes32 custodian, HandleWord word) {
        return (_custodianOf(handle), _wordOf(handle));
    }

    /// @inheritdoc IPatientRegistry
    function isOwner(bytes32 handle, bytes32 signerHash) external view returns (bool) {
        (Rights rights, , ) = rightsOf(handle, signerHash);
        return rights.kindOf() == SignerKind.Owner;
    }

    /// @inheritdoc IPatientRegistry
    function rightsOf(
        bytes32 handle,
        bytes32 signerHash
    ) public view returns (Rights rights, bytes32 scopes, HandleWord word) {
        word = _wordOf(handle);
        rights = _rightsIn(handle, signerHash);
        bool current = rights.rightsGenerationOf() == word.generationOf();
        if (current && rights.kindOf() != SignerKind.None) {
            if (rights.isScoped()) scopes = _scopesIn(handle, signerHash);
        } else {
            bool candidate = word.isRecovering() && _isCandidate(handle, signerHash);
            rights = packOwner(candidate ? SignerKind.Candidate : SignerKind.None, 0, 0, 0);
        }
    }

    /// @inheritdoc IPatientRegistry
    function narrowingRightsOf(bytes32 handle, bytes32 signerHash) external view returns (Rights rights) {
        // A completed recovery deletes the owner's rights, so these are of the present generation.
        rights = _rightsIn(handle, signerHash);
        if (rights.kindOf() != SignerKind.Owner) (rights, , ) = rightsOf(handle, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function lastRightsOf(bytes32 handle, bytes32 signerHash) external view returns (Rights) {
        return _rightsIn(handle, signerHash);
    }

    /// @inheritdoc IPatientRegistry
    function masterOf(bytes32 handle) external view returns (bytes32 signerHash) {
        return _masterIn(handle);
    }

    /// @inheritdoc IPatientRegistry
    function recoveryOf(bytes32 handle) external view returns (Recovery memory) {
        return _recoveryIn(handle);
    }

    // What a registry that takes over from this one looks further for, and how it goes on from there.

    function _custodianOf(bytes32 handle) internal view virtual returns (bytes32) {
        return _custodians[handle];
    }

    /// @dev The word that decides.
    function _wordOf(bytes32 handle) internal view virtual returns (HandleWord) {
        return _words[handle];
    }

    /// @dev Where the recovery stands that this contract leads.
    function _recoveryStateOf(bytes32 handle) internal view virtual returns (RecoveryState) {
        return _words[handle].recoveryOf();
    }

    /// @dev As last written, of whatever generation.
    function _rightsIn(bytes32 handle, bytes32 signerHash) internal view virtual returns (Rights) {
        return _rights[handle][signerHash];
    }

    function _scopesIn(bytes32 handle, bytes32 signerHash) internal view virtual returns (bytes32) {
        return _scopes[handle][signerHash];
    }

    function _masterIn(bytes32 handle) internal view virtual returns (bytes32) {
        return _masters[handle];
    }

    function _recoveryIn(bytes32 handle) internal view virtual returns (Recovery memory) {
        return _recoveries[handle];
    }

    /// @dev Whether the key is the new one, where a recovery is pending.
    function _isCandidate(bytes32 handle, bytes32 signerHash) internal view virtual returns (bool) {
        return _recoveryIn(handle).newSigner == signerHash;
    }

    /// @dev Whatever leaves a recovery where it stands.
    function _write(bytes32 handle, HandleWord word) internal virtual {
        _words[handle] = word;
    }

    /// @dev Whatever moves a recovery.
    function _writeRecovery(bytes32 handle, HandleWord word) internal virtual {
        _words[handle] = word;
    }

    /// @dev Who signed what narrows.
    function _requireSignedToNarrow(
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) internal view virtual returns (bytes32) {
        return Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
    }

    function _start(bytes32 handle, bytes32 newSigner, uint16 untilDay, RecoveryState state) private {
        uint32 attempt = _recoveryIn(handle).attempt + 1;
        uint64 startedAt = uint64(block.timestamp);
        uint64 readyAt = startedAt + RECOVERY_WAIT;
        _writeRecovery(handle, _wordOf(handle).withRecovery(state));
        _recoveries[handle] = Recovery(newSigner, startedAt, readyAt, attempt, untilDay);
        emit RecoveryStarted(handle, attempt, newSigner, untilDay, readyAt);
    }

    /// @dev The proof of a key that is to take over, brought by a registrar of the custodian.
    function _requireNewKey(
        bytes32 handle,
        uint16 untilDay,
        uint64 deadline,
        bytes calldata signer,
        bytes calldata signature
    ) private view returns (bytes32 newSigner, bytes32 structHash) {
        bytes32 custodian = _requireCustodian(handle);
        _checkDeadline(handle, deadline);
        if (untilDay != 0) _checkGuardianEnd(untilDay);
        uint32 attempt = _recoveryIn(handle).attempt + 1;
        structHash = PatientHashes.recovery(handle, custodian, attempt, untilDay, deadline);
        newSigner = _requireSigned(structHash, signer, signature);
        _requireNoMaster(handle, newSigner, _wordOf(handle));
    }

    function _requireCustodian(bytes32 handle) private view returns (bytes32 member) {
        member = _members.requireRole(msg.sender, ROLE_REGISTRAR);
        if (_custodianOf(handle) != member) revert PatientNotCustodian(handle, member);
    }

    function _requireUnbound(bytes32 handle, uint64 deadline) private view returns (bytes32 custodian) {
        custodian = _members.requireRole(msg.sender, ROLE_REGISTRAR);
        _checkDeadline(handle, deadline);
        bytes32 bound = _custodianOf(handle);
        if (bound != 0) revert PatientHandleBound(handle, bound);
    }

    function _requireState(bytes32 handle, RecoveryState wanted) private view returns (HandleWord word) {
        RecoveryState state = _recoveryStateOf(handle);
        if (state != wanted) revert PatientRecoveryStateInvalid(handle, state);
        word = _wordOf(handle);
    }

    function _requireRecovering(bytes32 handle) private view returns (HandleWord word, RecoveryState state) {
        state = _recoveryStateOf(handle);
        bool pending = state == RecoveryState.Pending || state == RecoveryState.Overriding;
        if (!pending) revert PatientRecoveryStateInvalid(handle, state);
        word = _wordOf(handle);
    }

    /// @dev The gate of every widening act that is not a bounded delegate's.
    function _requireWidening(bytes32 handle, uint32 epoch, uint64 deadline) private view returns (HandleWord word) {
        _checkDeadline(handle, deadline);
        word = _wordOf(handle);
        if (word.isLocked()) revert PatientHandleLocked(handle);
        if (word.isRecovering()) revert SignerRights.SignerRecoveryPending(handle);
        _checkEpoch(handle, word, epoch);
    }

    /// @dev Owner or guardian: whoever is not bounded.
    function _requireMaster(
        bytes32 handle,
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) private view returns (bytes32 signerHash) {
        signerHash = _requireSigned(structHash, signer, signature);
        _checkMaster(handle, signerHash);
    }

    function _checkMaster(bytes32 handle, bytes32 signerHash) private view returns (HandleWord word) {
        Rights rights;
        (rights, , word) = rightsOf(handle, signerHash);
        SignerKind kind = rights.kindOf();
        if (kind != SignerKind.Owner && kind != SignerKind.Guardian) revert PatientSignerNotOwner(handle, signerHash);
        SignerRights.requireAct(rights, word, handle, signerHash, 0);
    }

    /// @dev A key that has all rights is neither given fewer nor recovered to. A guardian past its end has none.
    function _requireNoMaster(bytes32 handle, bytes32 signerHash, HandleWord word) private view {
        Rights rights = _rightsIn(handle, signerHash);
        if (rights.rightsGenerationOf() != word.generationOf()) return;
        SignerKind kind = rights.kindOf();
        bool guards = kind == SignerKind.Guardian && rights.untilDayOf() >= block.timestamp / 1 days;
        if (kind == SignerKind.Owner || guards) revert PatientSignerBound(handle, signerHash);
    }

    function _checkAct(bytes32 handle, uint8 act, bytes32 signerHash) private view returns (HandleWord word) {
        Rights rights;
        (rights, , word) = rightsOf(handle, signerHash);
        if (rights.kindOf() == SignerKind.None) revert PatientSignerNotOwner(handle, signerHash);
        SignerRights.requireAct(rights, word, handle, signerHash, act);
    }

    function _requireSigned(
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) private view returns (bytes32) {
        return Signers.requireSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature);
    }

    function _checkDeadline(bytes32 handle, uint64 deadline) private view {
        if (deadline < block.timestamp) revert PatientDeadlinePassed(handle, deadline, block.timestamp);
    }

    function _checkEpoch(bytes32 handle, HandleWord word, uint32 epoch) private pure {
        if (epoch != word.epochOf()) revert PatientEpochMismatch(handle, epoch, word.epochOf());
    }

    function _checkVersion(bytes32 handle, uint256 version, uint256 current, uint256 last) private pure {
        if (version != current + 1) revert PatientVersionMismatch(handle, version, current + 1);
        // No end could follow the last version, so nothing widens at it.
        if (version == last) revert PatientVersionExhausted(handle, version);
    }

    function _checkEnd(uint16 untilDay) private view {
        uint256 today = block.timestamp / 1 days;
        if (untilDay < today) revert PatientEndPassed(untilDay, today);
    }

    function _checkGuardianEnd(uint16 untilDay) private view {
        _checkEnd(untilDay);
        uint256 rounded = Quarters.lastDay(untilDay);
        if (untilDay != rounded) revert PatientEndNotRounded(untilDay, rounded);
    }
}
