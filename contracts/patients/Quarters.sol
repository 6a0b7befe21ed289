// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Calendar quarters
/// @notice A guardian's end follows from a birth date. It is rounded up to the last day of its quarter, so that the
/// chain shows no birth date. Days count from 1970-01-01 UTC; years are those of the Gregorian calendar.
library Quarters {
    /// @dev The last day of the quarter that a day lies in. The arithmetic is Howard Hinnant's "civil_from_days" and
    /// "days_from_civil", for years that begin in March; all numbers are far below 2**32.
    function lastDay(uint256 day) internal pure returns (uint256) {
        uint256 shifted = day + 719_468;
        uint256 era = shifted / 146_097;
        uint256 dayOfEra = shifted % 146_097;
        uint256 yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 march = (5 * dayOfYear + 2) / 153;
        // The months on which a quarter begins are April, July, October and January: 1, 4, 7 and 10 after March.
        if (march == 0) return firstDay(era, yearOfEra, 1) - 1;
        uint256 next = ((march - 1) / 3) * 3 + 4;
        if (next < 12) return firstDay(era, yearOfEra, next) - 1;
        return firstDay(era, yearOfEra + 1, next - 12) - 1;
    }

    function firstDay(uint256 era, uint256 yearOfEra, uint256 march) private pure returns (uint256) {
        uint256 dayOfYear = (153 * march + 2) / 5;
        uint256 dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + yearOfEra / 400 + dayOfYear;
        return era * 146_097 + dayOfEra - 719_468;
    }
}
