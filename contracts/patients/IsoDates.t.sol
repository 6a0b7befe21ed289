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

    /// @dev The edges of every month until a uint16 ends.
    function test_everyMonthBeginsAndEndsWhereTheCalendarSays() public pure {
        uint256 day = 0;
        for (uint256 year = 1970; year < 2149; ++year) {
            for (uint256 month = 1; month <= 12; ++month) {
                uint256 length = daysIn(year, month);
                requireDate(uint16(day), dateText(year, month, 1));
                requireDate(uint16(day + 8), dateText(year, month, 9));
                requireDate(uint16(day + 9), dateText(year, month, 10));
                requireDate(uint16(day + length - 1), dateText(year, month, length));
                day += length;
            }
        }
    }

    function testFuzz_everyDayIsTheDateThatCountingGives(uint16 day) public pure {
        vm.assertTrue(IsoDates.hash(day) == dateHash(day), dateText(day));
    }

    function requireDate(uint16 day, string memory text) private pure {
        if (IsoDates.hash(day) != keccak256(bytes(text))) vm.assertTrue(false, text);
    }
}
