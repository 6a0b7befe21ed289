// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The state of a handle in one word, low to high: bit 0 locked; bit 1 break-glass off; bits 8..15 recovery
/// state; bits 32..63 epoch. Break-glass and recovery bits are zero until the acts that set them exist.
type HandleWord is uint256;

using {isLocked, epochOf, lockedAt, unlocked} for HandleWord global;

uint256 constant HANDLE_LOCKED = 1;
uint256 constant HANDLE_EPOCH_OFFSET = 32;
uint256 constant HANDLE_EPOCH_MASK = uint256(type(uint32).max) << HANDLE_EPOCH_OFFSET;

/// @dev While locked nothing widens and nothing is released.
function isLocked(HandleWord word) pure returns (bool) {
    return HandleWord.unwrap(word) & HANDLE_LOCKED != 0;
}

/// @dev Grants name the epoch; raising it voids those that are signed but not mined.
function epochOf(HandleWord word) pure returns (uint32) {
    return uint32(HandleWord.unwrap(word) >> HANDLE_EPOCH_OFFSET);
}

/// @dev The word, locked and at another epoch, all else kept.
function lockedAt(HandleWord word, uint32 epoch) pure returns (HandleWord) {
    uint256 rest = HandleWord.unwrap(word) & ~HANDLE_EPOCH_MASK;
    return HandleWord.wrap(rest | (uint256(epoch) << HANDLE_EPOCH_OFFSET) | HANDLE_LOCKED);
}

/// @dev The word, unlocked, all else kept.
function unlocked(HandleWord word) pure returns (HandleWord) {
    return HandleWord.wrap(HandleWord.unwrap(word) & ~HANDLE_LOCKED);
}
