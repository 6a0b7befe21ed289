// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Dates} from "../test/Dates.t.sol";
import {vm} from "../test/Vm.t.sol";
import {IsoDates} from "./IsoDates.sol";

contract IsoDatesTest is Dates {
    function test_datesThatAnybodyCanCheck() public pure {
        requireDate(0, "1970-01-01");
        requireDate(11_016, "2000-02-29");
        requireDate(20_778, "2026-11-21");
        requireDate(47_540, "2100-02-28");
        requireDate(47_541, "2100-03-01");
        requireDate(65_535, "2149-06-06");
    }

    function testFuzz_everyDayIsTheDateThatCountingGives(uint16 day) public pure {
        vm.assertTrue(IsoDates.hash(day) == dateHash(day), dateText(day));
    }

    function requireDate(uint16 day, string memory text) private pure {
        vm.assertTrue(IsoDates.hash(day) == keccak256(bytes(text)), text);
    }
}
