// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "../test/Vm.t.sol";
import {HANDLE_RECOVERED_AT_OFFSET, HANDLE_SUSPECT_FROM_OFFSET, HandleWord} from "./HandleWord.sol";
import {Rights, SignerKind, packOwner} from "./Rights.sol";

/// @dev What is written into a packed word replaces every bit that stood there, and no other.
contract PackedWordsTest {
    function testFuzz_ofTwoRecoveriesTheLaterAndTheLongerSuspensionCount(
        uint32 recoveredAt,
        uint32 from,
        uint32 otherAt,
        uint32 otherFrom,
        uint64 low,
        uint32 high
    ) public pure {
        HandleWord word = suspended(recoveredAt, from, low, high);
        HandleWord both = word.alsoSuspending(suspended(otherAt, otherFrom, 0, 0));
        bool none = recoveredAt == 0;
        vm.assertEq(both.recoveredAtOf(), none || otherAt > recoveredAt ? otherAt : recoveredAt, "recoveredAt");
        vm.assertEq(both.suspectFromOf(), none || otherFrom < from ? otherFrom : from, "suspectFrom");
        vm.assertEq(uint64(HandleWord.unwrap(both)), low, "what lies below");
        vm.assertEq(both.generationOf(), high, "what lies above");
    }

    function testFuzz_rightsAtAnotherVersionAreTheSameRights(uint24 version, uint24 next, uint32 generation) public pure {
        Rights rights = packOwner(SignerKind.Owner, 7, version, generation);
        vm.assertEq(
            Rights.unwrap(rights.atVersion(next)),
            Rights.unwrap(packOwner(SignerKind.Owner, 7, next, generation)),
            "rights"
        );
    }

    function suspended(uint32 recoveredAt, uint32 from, uint64 low, uint32 high) private pure returns (HandleWord) {
        return HandleWord.wrap(
            uint256(low) | (uint256(recoveredAt) << HANDLE_RECOVERED_AT_OFFSET)
                | (uint256(from) << HANDLE_SUSPECT_FROM_OFFSET) | (uint256(high) << 128)
        );
    }
}
