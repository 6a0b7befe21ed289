// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IMemberRegistry} from "../members/IMemberRegistry.sol";
import {IPatientRegistry} from "../patients/IPatientRegistry.sol";
import {Signers} from "../patients/Signers.sol";
import {ConsentRegistry} from "./ConsentRegistry.sol";
import {Referral} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord, packConsent} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";
import {IConsentSuccessor} from "./IConsentSuccessor.sol";

/// @title Patients' consents, taken over from an earlier contract
/// @dev Nothing here reads the predecessor after a slot was written here, save to narrow: two contracts cannot both
/// widen one slot.
contract ConsentSuccessor is IConsentSuccessor, ConsentRegistry {
    IConsentRegistry private immutable _predecessor;

    address[] private _predecessors;

    constructor(
        IMemberRegistry members,
        IPatientRegistry patients,
        IConsentRegistry predecessor
    ) ConsentRegistry(members, patients) {
        if (address(predecessor).code.length == 0) revert ConsentPredecessorMissing(address(predecessor));
        _predecessor = predecessor;
        _predecessors.push(address(predecessor));
        // The first of the line has no such function.
        try IConsentSuccessor(address(predecessor)).predecessors() returns (address[] memory older) {
            for (uint256 i = 0; i < older.length; ++i) _predecessors.push(older[i]);
        } catch {}
    }

    /// @inheritdoc IConsentSuccessor
    function adopt(bytes32 handle, bytes32[] calldata scopes) external {
        _checkList(scopes.length);
        for (uint256 i = 0; i < scopes.length; ++i) _adopt(handle, scopes[i]);
    }

    /// @inheritdoc IConsentSuccessor
    function adoptReferrals(bytes32 handle, bytes32 scope, bytes32[] calldata referrals) external {
        _checkList(referrals.length);
        _adopt(handle, scope);
        ConsentWord own = _words[handle][scope];
        ConsentWord old = _predecessor.wordOf(handle, scope);
        // Another permit of the same version may not be referred on, or lasts less long.
        if (ConsentWord.unwrap(own) != ConsentWord.unwrap(old)) revert ConsentSlotDiffers(handle, scope, own, old);
        for (uint256 i = 0; i < referrals.length; ++i) {
            (Referral memory anchored, ) = _predecessor.referralOf(handle, scope, referrals[i]);
            bool known = _referrals[handle][scope][referrals[i]].anchoredAt != 0;
            if (known || anchored.anchoredAt == 0) continue;
            _referrals[handle][scope][referrals[i]] = anchored;
            emit ReferralAnchored(handle, scope, referrals[i], anchored.untilDay, anchored.parentVersion);
        }
    }

    /// @inheritdoc IConsentSuccessor
    function ownWordOf(bytes32 handle, bytes32 scope) external view returns (ConsentWord) {
        return _words[handle][scope];
    }

    /// @inheritdoc IConsentSuccessor
    function predecessors() external view returns (address[] memory) {
        return _predecessors;
    }

    function _wordIn(bytes32 handle, bytes32 scope) internal view override returns (ConsentWord) {
        ConsentWord own = _words[handle][scope];
        return _isWritten(own) ? own : _predecessor.wordOf(handle, scope);
    }

    function _wordsIn(
        bytes32 handle,
        bytes32[] calldata scopes
    ) internal view override returns (ConsentWord[] memory words) {
        words = super._wordsIn(handle, scopes);
        for (uint256 i = 0; i < scopes.length; ++i) {
            if (!_isWritten(words[i])) words[i] = _predecessor.wordOf(handle, scopes[i]);
        }
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

    function _adopt(bytes32 handle, bytes32 scope) private {
        ConsentWord own = _words[handle][scope];
        ConsentWord old = _predecessor.wordOf(handle, scope);
        ConsentWord word = _isWritten(own) ? _narrowed(own, old) : old;
        if (ConsentWord.unwrap(word) == ConsentWord.unwrap(own)) return;
        _words[handle][scope] = word;
        emit ConsentAdopted(handle, scope, word);
    }

    /// @dev What the predecessor may still do to a slot of this contract. A higher version there means that the patient
    /// ended or replaced what stands here: that ends here, too, and nothing takes its place but an objection. An objection
    /// here stays as it is, since the one there may be about less.
    function _narrowed(ConsentWord own, ConsentWord old) private view returns (ConsentWord) {
        ConsentState state = own.stateOf();
        if (old.versionOf() <= own.versionOf() || state == ConsentState.Objection) return own;
        if (old.stateOf() == ConsentState.Objection) return old;
        if (state == ConsentState.Silent) return own;
        return packConsent(ConsentState.Silent, 0, 0, 0, old.versionOf(), uint32(block.timestamp), 0);
    }

    /// @dev The first thing that is written in a slot has version 1.
    function _isWritten(ConsentWord word) private pure returns (bool) {
        return ConsentWord.unwrap(word) != 0;
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
