// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Acts} from "./Acts.t.sol";
import {vm} from "./Vm.t.sol";

/// @title A passkey, and assertions by it, good and bad
abstract contract Passkeys is Acts {
    /// @dev All that an authenticator and a browser put into an assertion; tests spoil one thing at a time.
    struct Assertion {
        bytes32 rpIdHash;
        bytes1 flags;
        uint32 counter;
        string clientData;
        uint256 typeIndex;
        uint256 challengeIndex;
    }

    uint256 internal constant PASSKEY = 0x9A55;
    uint256 internal constant P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    bytes32 internal constant PASSKEY_HANDLE = keccak256("a handle of a passkey");
    bytes32 internal constant RELYING_PARTY = sha256("wayleave.example");

    function passkeySigner() internal view returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(PASSKEY);
        return abi.encodePacked(address(passkeys), x, y, RELYING_PARTY);
    }

    /// @dev What a good authenticator says of a digest.
    function assertion(bytes32 digest) internal pure returns (Assertion memory) {
        return Assertion(RELYING_PARTY, 0x05, 0, clientData("webauthn.get", digest), 1, 23);
    }

    function clientData(string memory kind, bytes32 digest) internal pure returns (string memory) {
        string memory challenge = Base64.encodeURL(abi.encodePacked(digest));
        return string.concat(
            "{\"type\":\"",
            kind,
            "\",\"challenge\":\"",
            challenge,
            "\",\"origin\":\"https://wayleave.example\",\"crossOrigin\":false}"
        );
    }

    function passkeySign(bytes32 digest) internal pure returns (bytes memory) {
        return passkeySign(assertion(digest));
    }

    function passkeySign(Assertion memory a) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, bytes memory data) = signed(a);
        return abi.encode(r, s, a.challengeIndex, a.typeIndex, data, a.clientData);
    }

    /// @dev The signature, s in the lower half, and the authenticator data that it is over.
    function signed(Assertion memory a) internal pure returns (bytes32 r, bytes32 s, bytes memory data) {
        data = abi.encodePacked(a.rpIdHash, a.flags, a.counter);
        (r, s) = vm.signP256(PASSKEY, sha256(abi.encodePacked(data, sha256(bytes(a.clientData)))));
        if (uint256(s) > P256_ORDER / 2) s = bytes32(P256_ORDER - uint256(s));
    }

    function bindPasskey() internal {
        bytes memory signature = passkeySign(bindDigest(PASSKEY_HANDLE, HOSPITAL_A, DEADLINE));
        bytes memory signer = passkeySigner();
        vm.prank(OPERATOR_A);
        patients.bind(PASSKEY_HANDLE, DEADLINE, signer, signature);
    }
}
