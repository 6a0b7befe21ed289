// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Dates counted on the fingers: year by year, month by month
/// @dev Another way than the contracts', so that nothing of theirs is trusted.
abstract contract Dates {
    /// @dev keccak256 of "2026-11-21" and its like.
    function dateHash(uint16 day) internal pure returns (bytes32) {
        return keccak256(bytes(dateText(day)));
    }

    function dateText(uint16 day) internal pure returns (string memory) {
        uint256 left = day;
        uint256 year = 1970;
        while (left >= daysIn(year)) left -= daysIn(year++);
        uint256 month = 1;
        while (left >= daysIn(year, month)) left -= daysIn(year, month++);
        return dateText(year, month, left + 1);
    }

    function dateText(uint256 year, uint256 month, uint256 day) internal pure returns (string memory) {
        return string(
            abi.encodePacked(digits(year / 100), digits(year % 100), "-", digits(month), "-", digits(day))
        );
    }

    function daysIn(uint256 year) private pure returns (uint256) {
        return daysIn(year, 2) == 29 ? 366 : 365;
    }

    function daysIn(uint256 year, uint256 month) internal pure returns (uint256) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (month == 2) return leap ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    function digits(uint256 number) private pure returns (bytes memory) {
        return abi.encodePacked(bytes1(uint8(48 + number / 10)), bytes1(uint8(48 + number % 10)));
    }
}
