// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Line} from "../governance/Line.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {HandleWord, RecoveryState} from "./HandleWord.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";
import {IPatientRegistrySuccessor} from "./IPatientRegistrySuccessor.sol";
import {PatientRegistry} from "./PatientRegistry.sol";
import {Recovery} from "./PatientTypes.sol";
import {Rights, SignerKind} from "./Rights.sol";
import {Signers} from "./Signers.sol";

/// @title Patients' handles and who signs for them, taken over from an earlier contract
/// @dev The predecessor is asked at every read, so that what narrows there narrows here in the same block.
contract PatientRegistrySuccessor is IPatientRegistrySuccessor, PatientRegistry, Line {
    /// @param written Whether lock, epoch and break-glass switch are this contract's.
    /// @param led Whether owner, recovery and generation are this contract's as well.
    /// @param recovered Whether a recovery was completed here: no right of the predecessor counts any more.
    /// @param attempt The predecessor's last recovery when this contract took the lead: it has no say any more.
    /// @param generation The handle's generation there at that time.
    struct TakenOver {
        bool written;
        bool led;
        bool recovered;
        uint32 attempt;
        uint32 generation;
    }

    IPatientRegistry private immutable _predecessor;

    mapping(bytes32 handle => TakenOver) private _takenOver;

    constructor(
        IMemberRegistry members,
        IPasskeyVerifier verifier,
        IPatientRegistry predecessor
    ) PatientRegistry(members, verifier) Line(address(predecessor)) {
        _predecessor = predecessor;
    }

    /// @inheritdoc IPatientRegistrySuccessor
    function takenOver(bytes32 handle) external view returns (bool word, bool owner) {
        bool here = _isBoundHere(handle);
        return (here || _takenOver[handle].written, here || _takenOver[handle].led);
    }

    function _custodianOf(bytes32 handle) internal view override returns (bytes32 custodian) {
        custodian = super._custodianOf(handle);
        if (custodian == 0) (custodian, ) = _predecessor.handleState(handle);
    }

    function _wordOf(bytes32 handle) internal view override returns (HandleWord own) {
        own = super._wordOf(handle);
        if (_isBoundHere(handle)) return own;
        HandleWord older = _olderWordOf(handle);
        TakenOver memory taken = _takenOver[handle];
        if (!taken.written) return older;
        HandleWord word = _narrowed(own, older);
        return taken.led ? _stopped(handle, word, older, taken) : word.withRecoveryOf(older);
    }

    function _recoveryStateOf(bytes32 handle) internal view override returns (RecoveryState state) {
        if (_isLed(handle)) return super._recoveryStateOf(handle);
        state = _olderWordOf(handle).recoveryOf();
        if (state == RecoveryState.Elsewhere) return RecoveryState.None;
    }

    function _rightsIn(bytes32 handle, bytes32 signerHash) internal view override returns (Rights own) {
        own = super._rightsIn(handle, signerHash);
        if (_isBoundHere(handle)) return own;
        TakenOver memory taken = _takenOver[handle];
        Rights older = _predecessor.lastRightsOf(handle, signerHash);
        uint24 version = older.rightsVersionOf();
        if (!_isWritten(own)) return _followsRights(handle, taken) ? older : older.without(version);
        // Who owns the handle here is ended here: whoever took over there could else silence its veto.
        if (taken.recovered || _isMaster(own)) return own;
        // A recovery that was followed gives its key what it has there, whatever the key was here before.
        if (!taken.led && _isMaster(older)) {
            return version < own.rightsVersionOf() ? older.atVersion(own.rightsVersionOf()) : older;
        }
        return version > own.rightsVersionOf() ? own.without(version) : own;
    }

    function _scopesIn(bytes32 handle, bytes32 signerHash) internal view override returns (bytes32 scopes) {
        if (_isWritten(super._rightsIn(handle, signerHash))) return super._scopesIn(handle, signerHash);
        (, scopes, ) = _predecessor.rightsOf(handle, signerHash);
    }

    function _masterIn(bytes32 handle) internal view override returns (bytes32) {
        return _isLed(handle) ? super._masterIn(handle) : _predecessor.masterOf(handle);
    }

    function _recoveryIn(bytes32 handle) internal view override returns (Recovery memory) {
        return _isLed(handle) ? super._recoveryIn(handle) : _predecessor.recoveryOf(handle);
    }

    /// @dev While one is pending elsewhere, its key narrows here as well.
    function _isCandidate(bytes32 handle, bytes32 signerHash) internal view override returns (bool) {
        if (_wordOf(handle).recoveryOf() == RecoveryState.Elsewhere) {
            (Rights older, , ) = _predecessor.rightsOf(handle, signerHash);
            if (older.kindOf() == SignerKind.Candidate) return true;
            if (!super._wordOf(handle).isRecovering()) return false;
        }
        return super._isCandidate(handle, signerHash);
    }

    function _write(bytes32 handle, HandleWord word) internal override {
        // What stops widening from elsewhere is not kept: it is asked for at every read.
        super._write(handle, word.withRecovery(_recoveryStateOf(handle)));
        if (!_isBoundHere(handle)) _takenOver[handle].written = true;
    }

    function _writeRecovery(bytes32 handle, HandleWord word) internal override {
        if (!_isBoundHere(handle)) _lead(handle, word.generationOf());
        super._writeRecovery(handle, word);
    }

    /// @dev Tried for this contract first, since that is what devices sign once they know it.
    function _requireSignedToNarrow(
        bytes32 structHash,
        bytes calldata signer,
        bytes calldata signature
    ) internal view override returns (bytes32) {
        if (!Signers.hasSigned(_passkeys, signer, _hashTypedDataV4(structHash), signature)) {
            for (uint256 i = 0; i < _predecessors.length; ++i) {
                bytes32 digest = MessageHashUtils.toTypedDataHash(_domainOf(_predecessors[i]), structHash);
                if (Signers.hasSigned(_passkeys, signer, digest, signature)) return keccak256(signer);
            }
        }
        // Where nobody signed, says why.
        return super._requireSignedToNarrow(structHash, signer, signature);
    }

    /// @dev Owner and recovery become this contract's, as they stand; again once a recovery was completed here, for which
    /// whatever the predecessor has led up to now is settled.
    function _lead(bytes32 handle, uint32 generation) private {
        TakenOver memory taken = _takenOver[handle];
        uint32 before = _wordOf(handle).generationOf();
        if (!taken.led) {
            bytes32 master = _predecessor.masterOf(handle);
            _rights[handle][master] = _rightsIn(handle, master);
            _masters[handle] = master;
            _recoveries[handle] = _predecessor.recoveryOf(handle);
        }
        bool completed = generation > before;
        if (taken.led && !completed) return;
        uint32 attempt = _predecessor.recoveryOf(handle).attempt;
        uint32 there = _olderWordOf(handle).generationOf();
        _takenOver[handle] = TakenOver(true, true, completed, attempt, there);
    }

    /// @dev What the predecessor may still do to lock, epoch and switch of a handle that is written here.
    function _narrowed(HandleWord word, HandleWord older) private pure returns (HandleWord) {
        if (older.epochOf() > word.epochOf()) word = word.lockedAt(older.epochOf());
        if (older.breakGlassVersionOf() <= word.breakGlassVersionOf()) return word;
        bool off = word.isBreakGlassOff() || older.isBreakGlassOff();
        return word.withBreakGlass(off, older.breakGlassVersionOf());
    }

    /// @dev A later recovery there does not take over here. It stops whatever widens, and suspends what it suspends there.
    function _stopped(
        bytes32 handle,
        HandleWord word,
        HandleWord older,
        TakenOver memory taken
    ) private view returns (HandleWord) {
        if (_predecessor.recoveryOf(handle).attempt <= taken.attempt) return word;
        bool completed = older.generationOf() > taken.generation;
        if (completed) word = word.alsoSuspending(older);
        return completed || older.isRecovering() ? word.withRecovery(RecoveryState.Elsewhere) : word;
    }

    /// @dev Whether rights that are not written here are those of the predecessor.
    function _followsRights(bytes32 handle, TakenOver memory taken) private view returns (bool) {
        if (!taken.led) return true;
        return !taken.recovered && _olderWordOf(handle).generationOf() == taken.generation;
    }

    function _isMaster(Rights rights) private pure returns (bool) {
        SignerKind kind = rights.kindOf();
        return kind == SignerKind.Owner || kind == SignerKind.Guardian;
    }

    function _isLed(bytes32 handle) private view returns (bool) {
        return _isBoundHere(handle) || _takenOver[handle].led;
    }

    function _olderWordOf(bytes32 handle) private view returns (HandleWord word) {
        (, word) = _predecessor.handleState(handle);
    }

    /// @dev Then the predecessor has no say in it, whoever binds it there.
    function _isBoundHere(bytes32 handle) private view returns (bool) {
        return super._custodianOf(handle) != 0;
    }

    /// @dev Rights that were given or ended have a kind or a version.
    function _isWritten(Rights rights) private pure returns (bool) {
        return Rights.unwrap(rights) != 0;
    }

    /// @dev Of this name, version and chain, at another address (EIP-712).
    function _domainOf(address predecessor) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(_EIP712Name())),
                keccak256(bytes(_EIP712Version())),
                block.chainid,
                predecessor
            )
        );
    }
}
