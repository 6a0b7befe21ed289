// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IPasskeyVerifier} from "./IPasskeyVerifier.sol";

/// @title Who signed
/// @notice A signer is a byte string of one of two kinds. Contracts keep only its keccak256.
///
/// - 20 bytes: a secp256k1 account, checked by `ecrecover`.
/// - 116 bytes: a passkey, the address of the allow-listed verifier before the 96 bytes of `IPasskeyVerifier`.
///
/// Nothing here calls the signer: an account with code signs by its key, or not at all; and a verifier that is not the
/// one that the contract was built with is never called.
library Signers {
    uint256 private constant ACCOUNT_BYTES = 20;
    uint256 private constant PASSKEY_BYTES = 116;

    /// @notice A signer of this many bytes is of no kind that is understood.
    error SignerNotSupported(uint256 length);
    /// @notice The passkey names a verifier that is not allow-listed.
    error SignerVerifierUnknown(address verifier);
    /// @notice The signature is malformed, malleable, or by somebody else.
    error SignerBadSignature(bytes32 signerHash, bytes32 digest);

    /// @dev Checks that `signer` signed `digest`, high-s signatures refused; returns the hash that stands for it.
    function requireSigned(
        IPasskeyVerifier passkeys,
        bytes calldata signer,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (bytes32 signerHash) {
        signerHash = keccak256(signer);
        bool valid;
        if (signer.length == ACCOUNT_BYTES) {
            (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
            valid = problem == ECDSA.RecoverError.NoError && recovered == address(bytes20(signer));
        } else if (signer.length == PASSKEY_BYTES) {
            address verifier = address(bytes20(signer));
            if (verifier != address(passkeys)) revert SignerVerifierUnknown(verifier);
            valid = passkeys.verify(signer[ACCOUNT_BYTES:], digest, signature);
        } else {
            revert SignerNotSupported(signer.length);
        }
        if (!valid) revert SignerBadSignature(signerHash, digest);
    }

    /// @dev Whether `signer` signed `digest`; false, too, where `requireSigned` would name a reason.
    function hasSigned(
        IPasskeyVerifier passkeys,
        bytes calldata signer,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (bool) {
        if (signer.length == ACCOUNT_BYTES) {
            (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
            return problem == ECDSA.RecoverError.NoError && recovered == address(bytes20(signer));
        }
        if (signer.length != PASSKEY_BYTES || address(bytes20(signer)) != address(passkeys)) return false;
        try passkeys.verify(signer[ACCOUNT_BYTES:], digest, signature) returns (bool valid) {
            return valid;
        } catch {
            return false;
        }
    }
}
