// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Dates} from "../test/Dates.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Quarters} from "./Quarters.sol";

contract QuartersTest is Dates {
    /// @dev The edges of every quarter until a uint16 ends, by a calendar that is counted month by month.
    function test_everyQuarterEndsWhereTheCalendarSays() public pure {
        uint256 first = 0;
        for (uint256 year = 1970; first <= type(uint16).max; ++year) {
            for (uint256 month = 1; month <= 12; month += 3) {
                uint256 second = first + daysIn(year, month);
                uint256 third = second + daysIn(year, month + 1);
                uint256 last = third + daysIn(year, month + 2) - 1;
                requireLast(first, last);
                requireLast(second - 1, last);
                requireLast(second, last);
                requireLast(third - 1, last);
                requireLast(third, last);
                requireLast(last, last);
                first = last + 1;
            }
        }
    }

    function requireLast(uint256 day, uint256 last) private pure {
        if (Quarters.lastDay(day) != last) vm.assertEq(Quarters.lastDay(day), last, dateText(uint16(day)));
    }
}
