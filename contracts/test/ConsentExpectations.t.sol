// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ConsentState, ConsentWord} from "../consent/ConsentWord.sol";
import {IConsentRegistry} from "../consent/IConsentRegistry.sol";
import {Signers} from "../patients/Signers.sol";
import {Acts} from "./Acts.t.sol";
import {vm} from "./Vm.t.sol";

/// @title What the tests of consents expect: states and refusals
abstract contract ConsentExpectations is Acts {
    uint24 internal constant LAST = type(uint24).max;

    function requireState(ConsentState state, uint24 version) internal view {
        ConsentWord word = consents.wordOf(HANDLE, SCOPE);
        vm.assertEq(uint256(word.stateOf()), uint256(state), "state");
        vm.assertEq(word.versionOf(), version, "version");
    }

    function badSignature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHashOf(key), digest);
    }

    function notOwner(uint256 key) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentSignerNotOwner.selector, HANDLE, signerHashOf(key));
    }

    function versionMismatch(uint24 version, uint256 expected) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentVersionMismatch.selector, HANDLE, SCOPE, version, expected
        );
    }

    function versionExhausted() internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentVersionExhausted.selector, HANDLE, SCOPE, LAST);
    }

    function deadlinePassed() internal pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentDeadlinePassed.selector, HANDLE, DEADLINE, DEADLINE + 1
        );
    }
}
