// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Passkeys: WebAuthn assertions over P-256
/// @notice A key is 96 bytes: the two coordinates of the public key and the SHA-256 of the relying party's id, all as
/// registered. A signature is the flat `abi.encode(r, s, challengeIndex, typeIndex, authenticatorData, clientDataJSON)`
/// with s in the lower half (about half of all authenticators' are not: the device turns them over).
///
/// The client data is read by the limited algorithm of WebAuthn Level 2, section 5.8.1.2: it begins with
/// `{"type":"webauthn.get","challenge":"`, so the two indices have one value each. Whatever was found further on, a
/// hostile page might have placed there.
interface IPasskeyVerifier {
    /// @notice The key is not 96 bytes long.
    error PasskeyKeyInvalid(uint256 length);
    /// @notice The signature is not encoded as above; a struct's encoding, which begins with an offset, is not either.
    error PasskeyEncodingInvalid(uint256 length);
    /// @notice The authenticator data is too short to hold hash, flags and counter.
    error PasskeyDataTooShort(uint256 length);
    /// @notice The assertion was made for another relying party than the registered one.
    error PasskeyRelyingPartyMismatch(bytes32 rpIdHash, bytes32 expected);
    /// @notice The authenticator counts its signatures; such counts would join one patient's hospitals by value.
    error PasskeyCounterNotZero(uint32 counter);
    /// @notice The authenticator did not see the user, or did not verify who it is.
    error PasskeyUserNotVerified(bytes1 flags);
    /// @notice The flags say that a key is backed up which cannot be.
    error PasskeyFlagsInvalid(bytes1 flags);
    /// @notice The type does not lie where it has to, or is none of an assertion.
    error PasskeyTypeInvalid(uint256 typeIndex, uint256 expected);
    /// @notice The challenge does not lie where it has to, or is not the digest.
    error PasskeyChallengeInvalid(uint256 challengeIndex, uint256 expected);

    /// @notice Whether the key signed the digest. What can be named of an assertion that fails is reverted with.
    /// @param key 96 bytes.
    /// @param digest What was to be signed, taken as the challenge.
    /// @param signature The assertion.
    /// @return Whether the signature is the key's; false, too, for an s in the upper half and a key off the curve.
    function verify(bytes calldata key, bytes32 digest, bytes calldata signature) external view returns (bool);
}
