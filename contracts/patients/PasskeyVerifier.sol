// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
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
    /// @dev After the opening.
    uint256 private constant CHALLENGE_INDEX = 23;
    bytes private constant OPENING = "{\"type\":\"webauthn.get\",";
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
        bytes calldata json = bytes(auth.clientDataJSON);
        _checkOpening(json, digest);
        // WebAuthn Level 2, section 7.2, steps 19 and 20.
        bytes32 signed = sha256(bytes.concat(auth.authenticatorData, sha256(json)));
        return P256.verify(signed, auth.r, auth.s, bytes32(key[:32]), bytes32(key[32:64]));
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

    /// @dev The client data opens with its type and, as the challenge, the digest.
    function _checkOpening(bytes calldata json, bytes32 digest) private pure {
        bool typed = json.length >= CHALLENGE_INDEX && keccak256(json[:CHALLENGE_INDEX]) == keccak256(OPENING);
        if (!typed) revert PasskeyTypeInvalid(TYPE_INDEX, TYPE_INDEX);
        bytes memory challenge = abi.encodePacked("\"challenge\":\"", Base64.encodeURL(abi.encodePacked(digest)), "\"");
        uint256 end = CHALLENGE_INDEX + challenge.length;
        if (json.length < end || keccak256(json[CHALLENGE_INDEX:end]) != keccak256(challenge)) {
            revert PasskeyChallengeInvalid(CHALLENGE_INDEX, CHALLENGE_INDEX);
        }
    }
}
