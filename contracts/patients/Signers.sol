// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Who signed
/// @notice A signer is a byte string: the 20 bytes of a secp256k1 account. Contracts keep only its keccak256. Nothing
/// here calls the signer: an account with code signs by its key, or not at all.
library Signers {
    /// @notice A signer of this many bytes is of no kind that is understood.
    error SignerNotSupported(uint256 length);
    /// @notice The signature is malformed, malleable, or by somebody else.
    error SignerBadSignature(bytes32 signerHash, bytes32 digest);

    /// @dev Checks that `signer` signed `digest`, high-s signatures refused; returns the hash that stands for it.
    function requireSigned(
        bytes calldata signer,
        bytes32 digest,
        bytes calldata signature
    ) internal pure returns (bytes32 signerHash) {
        if (signer.length != 20) revert SignerNotSupported(signer.length);
        signerHash = keccak256(signer);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != address(bytes20(signer))) {
            revert SignerBadSignature(signerHash, digest);
        }
    }
}
