// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Days as ISO 8601 dates
/// @notice What a person signs says "2026-11-21", what the chain keeps is a number of days since 1970-01-01 UTC.
library IsoDates {
    /// @dev "0000-00-00" in ASCII.
    uint256 private constant ZEROS = 0x303030302d30302d3030;

    /// @dev keccak256 of the date's ten characters: how EIP-712 encodes it as a string. The arithmetic is Neri and
    /// Schneider's ("Euclidean affine functions and their application to calendar algorithms", 2022), for years that
    /// begin in March. A uint16 ends in 2149, so that nothing overflows and every year has four digits.
    function hash(uint16 day) internal pure returns (bytes32 digest) {
        unchecked {
            uint256 quarters = 4 * uint256(day) + 2_877_875;
            uint256 ofCentury = 2_939_745 * ((quarters % 146_097) | 3);
            uint256 dayOfYear = (ofCentury % 2 ** 32) / 11_758_980;
            uint256 ofYear = 2141 * dayOfYear + 197_913;
            uint256 month = ofYear / 2 ** 16;
            uint256 date = (ofYear % 2 ** 16) / 2141 + 1;
            uint256 year = 100 * (quarters / 146_097) + ofCentury / 2 ** 32;
            if (dayOfYear > 305) {
                month -= 12;
                ++year;
            }
            // A number below 100 as two digits, one a byte: 256 * (n / 10) + n % 10.
            uint256 century = year / 100;
            year -= 100 * century;
            uint256 text = ZEROS + ((century + 246 * (century / 10)) << 64) + ((year + 246 * (year / 10)) << 48)
                + ((month + 246 * (month / 10)) << 24) + date + 246 * (date / 10);
            assembly ("memory-safe") {
                mstore(0, shl(176, text))
                digest := keccak256(0, 10)
            }
        }
    }
}
