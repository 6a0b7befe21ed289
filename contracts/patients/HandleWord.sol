// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Where a recovery stands. Elsewhere: at the predecessor of a registry that has taken the handle over one is
/// pending, or was completed since.
enum RecoveryState {
    None,
    Pending,
    Vetoed,
    Overriding,
    Elsewhere
}

/// @notice The state of a handle in one word, low to high:
///
/// | bits | |
/// |---|---|
/// | 0 | locked |
/// | 1 | break-glass off |
/// | 8..15 | recovery state |
/// | 16..31 | version of the break-glass switch |
/// | 32..63 | epoch |
/// | 64..95 | block time, in seconds, of the last completed recovery; zero if there was none |
/// | 96..127 | block time from which on grants need confirming: mined from here to the recovery, they are suspended |
/// | 128..159 | generation: how many recoveries were completed; rights of an older one are void |
type HandleWord is uint256;

using {
    isLocked,
    isBreakGlassOff,
    recoveryOf,
    breakGlassVersionOf,
    epochOf,
    recoveredAtOf,
    suspectFromOf,
    generationOf,
    isRecovering,
    suspends,
    lockedAt,
    unlocked,
    withRecovery,
    withBreakGlass,
    recovered,
    withRecoveryOf,
    alsoSuspending
} for HandleWord global;

uint256 constant HANDLE_LOCKED = 1;
uint256 constant HANDLE_BREAK_GLASS_OFF = 2;
uint256 constant HANDLE_RECOVERY_OFFSET = 8;
uint256 constant HANDLE_BREAK_GLASS_OFFSET = 16;
uint256 constant HANDLE_EPOCH_OFFSET = 32;
uint256 constant HANDLE_RECOVERED_AT_OFFSET = 64;
uint256 constant HANDLE_SUSPECT_FROM_OFFSET = 96;
uint256 constant HANDLE_GENERATION_OFFSET = 128;
uint256 constant HANDLE_RECOVERY_MASK = uint256(type(uint8).max) << HANDLE_RECOVERY_OFFSET;
uint256 constant HANDLE_BREAK_GLASS_MASK = uint256(type(uint16).max) << HANDLE_BREAK_GLASS_OFFSET;
uint256 constant HANDLE_EPOCH_MASK = uint256(type(uint32).max) << HANDLE_EPOCH_OFFSET;
/// @dev Where a recovery stands, what it has suspended, and how many were completed.
uint256 constant HANDLE_LED_MASK = HANDLE_RECOVERY_MASK | (uint256(type(uint96).max) << HANDLE_RECOVERED_AT_OFFSET);
uint256 constant HANDLE_SUSPENSION_MASK = uint256(type(uint64).max) << HANDLE_RECOVERED_AT_OFFSET;

/// @dev While locked nothing widens and nothing is released.
function isLocked(HandleWord word) pure returns (bool) {
    return HandleWord.unwrap(word) & HANDLE_LOCKED != 0;
}

/// @dev Whether the patient has switched break-glass off at this custodian.
function isBreakGlassOff(HandleWord word) pure returns (bool) {
    return HandleWord.unwrap(word) & HANDLE_BREAK_GLASS_OFF != 0;
}

/// @dev Where a recovery stands.
function recoveryOf(HandleWord word) pure returns (RecoveryState) {
    return RecoveryState(uint8(HandleWord.unwrap(word) >> HANDLE_RECOVERY_OFFSET));
}

/// @dev Only ever rises.
function breakGlassVersionOf(HandleWord word) pure returns (uint16) {
    return uint16(HandleWord.unwrap(word) >> HANDLE_BREAK_GLASS_OFFSET);
}

/// @dev Grants name the epoch; raising it voids those that are signed but not mined.
function epochOf(HandleWord word) pure returns (uint32) {
    return uint32(HandleWord.unwrap(word) >> HANDLE_EPOCH_OFFSET);
}

/// @dev When the last recovery was completed.
function recoveredAtOf(HandleWord word) pure returns (uint32) {
    return uint32(HandleWord.unwrap(word) >> HANDLE_RECOVERED_AT_OFFSET);
}

/// @dev From when on grants are suspended by a recovery.
function suspectFromOf(HandleWord word) pure returns (uint32) {
    return uint32(HandleWord.unwrap(word) >> HANDLE_SUSPECT_FROM_OFFSET);
}

/// @dev How many recoveries were completed.
function generationOf(HandleWord word) pure returns (uint32) {
    return uint32(HandleWord.unwrap(word) >> HANDLE_GENERATION_OFFSET);
}

/// @dev While a recovery is pending neither key widens.
function isRecovering(HandleWord word) pure returns (bool) {
    RecoveryState state = recoveryOf(word);
    return state != RecoveryState.None && state != RecoveryState.Vetoed;
}

/// @dev Whether a permit mined at this block time waits for the recovered patient to confirm it by a new signature.
function suspends(HandleWord word, uint32 minedAt) pure returns (bool) {
    return minedAt >= suspectFromOf(word) && minedAt <= recoveredAtOf(word);
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

/// @dev The word with a recovery in another state, all else kept.
function withRecovery(HandleWord word, RecoveryState state) pure returns (HandleWord) {
    uint256 rest = HandleWord.unwrap(word) & ~HANDLE_RECOVERY_MASK;
    return HandleWord.wrap(rest | (uint256(state) << HANDLE_RECOVERY_OFFSET));
}

/// @dev The word with the break-glass switch moved, all else kept.
function withBreakGlass(HandleWord word, bool off, uint16 version) pure returns (HandleWord) {
    uint256 rest = HandleWord.unwrap(word) & ~(HANDLE_BREAK_GLASS_MASK | HANDLE_BREAK_GLASS_OFF);
    return HandleWord.wrap(
        rest | (uint256(version) << HANDLE_BREAK_GLASS_OFFSET) | (off ? HANDLE_BREAK_GLASS_OFF : 0)
    );
}

/// @dev The word after a recovery: at the next epoch and generation, no recovery pending, grants from `suspectFrom` on
/// suspended. What an earlier recovery suspends stays so: a recovery alone never widens. The lock and the break-glass
/// switch stay as they are.
function recovered(HandleWord word, uint32 now_, uint32 suspectFrom) pure returns (HandleWord) {
    uint32 earlier = suspectFromOf(word);
    if (recoveredAtOf(word) != 0 && earlier < suspectFrom) suspectFrom = earlier;
    uint256 kept =
        HandleWord.unwrap(word) & (HANDLE_LOCKED | HANDLE_BREAK_GLASS_OFF | HANDLE_BREAK_GLASS_MASK);
    return HandleWord.wrap(
        kept | (uint256(epochOf(word) + 1) << HANDLE_EPOCH_OFFSET) | (uint256(now_) << HANDLE_RECOVERED_AT_OFFSET)
            | (uint256(suspectFrom) << HANDLE_SUSPECT_FROM_OFFSET)
            | (uint256(generationOf(word) + 1) << HANDLE_GENERATION_OFFSET)
    );
}

/// @dev The word, and all of recoveries as another word tells it.
function withRecoveryOf(HandleWord word, HandleWord other) pure returns (HandleWord) {
    uint256 rest = HandleWord.unwrap(word) & ~HANDLE_LED_MASK;
    return HandleWord.wrap(rest | (HandleWord.unwrap(other) & HANDLE_LED_MASK));
}

/// @dev The word, and what a recovery that is told by another word suspends is suspended by this one as well.
function alsoSuspending(HandleWord word, HandleWord other) pure returns (HandleWord) {
    (uint256 recoveredAt, uint256 from) = (recoveredAtOf(other), suspectFromOf(other));
    if (recoveredAtOf(word) != 0) {
        recoveredAt = Math.max(recoveredAt, recoveredAtOf(word));
        from = Math.min(from, suspectFromOf(word));
    }
    uint256 rest = HandleWord.unwrap(word) & ~HANDLE_SUSPENSION_MASK;
    return HandleWord.wrap(
        rest | (recoveredAt << HANDLE_RECOVERED_AT_OFFSET) | (from << HANDLE_SUSPECT_FROM_OFFSET)
    );
}
