// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {WebAuthn} from "@openzeppelin/contracts/utils/cryptography/WebAuthn.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";

/// @title Passkeys: WebAuthn assertions over P-256
/// @dev Stateless. OpenZeppelin's `P256` uses the precompile (EIP-7951) where the chain has it.
contract PasskeyVerifier is IPasskeyVerifier {
    uint256 private constant KEY_BYTES = 96;
    /// @dev Hash of the relying party, flags, counter.
    uint256 private constant DATA_BYTES = 37;
    /// @dev After the opening brace.
    uint256 private constant TYPE_INDEX = 1;
    /// @dev After `{"type":"webauthn.get",`.
    uint256 private constant CHALLENGE_INDEX = 23;
    bytes1 private constant PRESENT_AND_VERIFIED = 0x05;
    bytes1 private constant BACKUP = 0x18;
    bytes1 private constant BACKED_UP_ONLY = 0x10;

    /// @inheritdoc IPasskeyVerifier
    function verify(bytes calldata key, bytes32 digest, bytes calldata signature) external view returns (bool) {
        if (key.length != KEY_BYTES) revert PasskeyKeyInvalid(key.length);
        (bool decoded, WebAuthn.WebAuthnAuth calldata auth) = WebAuthn.tryDecodeAuth(signature);
        if (!decoded) revert PasskeyEncodingInvalid(signature.length);
        _checkData(auth.authenticatorData, bytes32(key[64:]));
        if (auth.typeIndex != TYPE_INDEX) revert PasskeyTypeInvalid(auth.typeIndex, TYPE_INDEX);
        if (auth.challengeIndex != CHALLENGE_INDEX) {
            revert PasskeyChallengeInvalid(auth.challengeIndex, CHALLENGE_INDEX);
        }
        bytes memory challenge = abi.encodePacked(digest);
        if (WebAuthn.verify(challenge, auth, bytes32(key[:32]), bytes32(key[32:64]))) return true;
        _nameFailure(bytes(auth.clientDataJSON), challenge);
        return false;
    }

    function _checkData(bytes calldata data, bytes32 expected) private pure {
        if (data.length < DATA_BYTES) revert PasskeyDataTooShort(data.length);
        bytes32 rpIdHash = bytes32(data[:32]);
        if (rpIdHash != expected) revert PasskeyRelyingPartyMismatch(rpIdHash, expected);
        bytes1 flags = data[32];
        if (flags & PRESENT_AND_VERIFIED != PRESENT_AND_VERIFIED) revert PasskeyUserNotVerified(flags);
        if (flags & BACKUP == BACKED_UP_ONLY) revert PasskeyFlagsInvalid(flags);
        uint32 counter = uint32(bytes4(data[33:37]));
        if (counter != 0) revert PasskeyCounterNotZero(counter);
    }

    /// @dev Says what of the client data is wrong, if anything is; paid for by failures only.
    function _nameFailure(bytes calldata json, bytes memory challenge) private pure {
        bytes memory kind = bytes("\"type\":\"webauthn.get\"");
        if (!_holds(json, TYPE_INDEX, kind)) revert PasskeyTypeInvalid(TYPE_INDEX, TYPE_INDEX);
        bytes memory digest = abi.encodePacked("\"challenge\":\"", Base64.encodeURL(challenge), "\"");
        if (!_holds(json, CHALLENGE_INDEX, digest)) {
            revert PasskeyChallengeInvalid(CHALLENGE_INDEX, CHALLENGE_INDEX);
        }
    }

    function _holds(bytes calldata json, uint256 index, bytes memory part) private pure returns (bool) {
        uint256 end = index + part.length;
        return json.length >= end && keccak256(json[index:end]) == keccak256(part);
    }
}
