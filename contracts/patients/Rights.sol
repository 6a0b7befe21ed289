// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HandleWord} from "./HandleWord.sol";

/// @notice What a signer is to a handle. A candidate is the new key of a recovery that is pending.
enum SignerKind {
    None,
    Owner,
    Delegate,
    Guardian,
    Candidate
}

/// @notice What a delegate may do.
/// @param acts Bit set of the `ACT_` constants.
/// @param flags The flags that its grants may carry.
/// @param longestDays The longest period that it may grant, in days.
/// @param untilDay Its last day, in days since 1970-01-01 UTC.
/// @param scopes Root of a Merkle tree over the scopes that it may widen (leaves hashed as OpenZeppelin's
/// StandardMerkleTree does for one bytes32); zero for all.
struct Bounds {
    uint8 acts;
    uint8 flags;
    uint16 longestDays;
    uint16 untilDay;
    bytes32 scopes;
}

/// @notice A signer's rights in one word, low to high:
///
/// | bits | |
/// |---|---|
/// | 0..7 | kind |
/// | 8..15 | acts |
/// | 16..23 | flags |
/// | 24..39 | longest period, in days |
/// | 40..55 | last day, zero for an owner |
/// | 56..79 | version of the delegation, which only rises |
/// | 80..111 | generation of the handle in which they were given |
/// | 112 | bound to a Merkle root of scopes |
type Rights is uint256;

using {kindOf, actsOf, flagsOf, longestDaysOf, untilDayOf, rightsVersionOf, rightsGenerationOf, isScoped} for Rights global;
using {without, atVersion} for Rights global;

uint8 constant ACT_GRANT = 1;
uint8 constant ACT_REVOKE = 2;
uint8 constant ACT_OBJECT = 4;
uint8 constant ACT_WITHDRAW = 8;
uint8 constant ACT_LOCK = 16;
uint8 constant ACT_UNLOCK = 32;
uint8 constant ALL_ACTS = 63;

uint8 constant WIDENING_ACTS = ACT_GRANT | ACT_WITHDRAW | ACT_UNLOCK;

/// @dev What the signer is.
function kindOf(Rights rights) pure returns (SignerKind) {
    return SignerKind(uint8(Rights.unwrap(rights)));
}

/// @dev Acts allowed to a delegate.
function actsOf(Rights rights) pure returns (uint8) {
    return uint8(Rights.unwrap(rights) >> 8);
}

/// @dev Flags allowed to a delegate.
function flagsOf(Rights rights) pure returns (uint8) {
    return uint8(Rights.unwrap(rights) >> 16);
}

/// @dev Longest period allowed to a delegate.
function longestDaysOf(Rights rights) pure returns (uint16) {
    return uint16(Rights.unwrap(rights) >> 24);
}

/// @dev Last day of a delegate or guardian.
function untilDayOf(Rights rights) pure returns (uint16) {
    return uint16(Rights.unwrap(rights) >> 40);
}

/// @dev Version of the delegation.
function rightsVersionOf(Rights rights) pure returns (uint24) {
    return uint24(Rights.unwrap(rights) >> 56);
}

/// @dev Generation of the handle in which they were given.
function rightsGenerationOf(Rights rights) pure returns (uint32) {
    return uint32(Rights.unwrap(rights) >> 80);
}

/// @dev Whether only some scopes are allowed.
function isScoped(Rights rights) pure returns (bool) {
    return (Rights.unwrap(rights) >> 112) & 1 != 0;
}

/// @dev An owner's or guardian's rights: everything, until a day if there is one.
function packOwner(SignerKind kind, uint16 untilDay, uint24 version, uint32 generation) pure returns (Rights) {
    return Rights.wrap(
        uint256(kind) | (uint256(untilDay) << 40) | (uint256(version) << 56) | (uint256(generation) << 80)
    );
}

/// @dev A delegate's rights.
function packDelegate(Bounds calldata bounds, uint24 version, uint32 generation) pure returns (Rights) {
    uint256 word = Rights.unwrap(packOwner(SignerKind.Delegate, bounds.untilDay, version, generation));
    word |= (uint256(bounds.acts) << 8) | (uint256(bounds.flags) << 16) | (uint256(bounds.longestDays) << 24);
    return Rights.wrap(word | (bounds.scopes == 0 ? 0 : uint256(1) << 112));
}

/// @dev No rights, at another version.
function without(Rights rights, uint24 version) pure returns (Rights) {
    return packOwner(SignerKind.None, 0, version, rights.rightsGenerationOf());
}

/// @dev The same rights at another version.
function atVersion(Rights rights, uint24 version) pure returns (Rights) {
    uint256 rest = Rights.unwrap(rights) & ~(uint256(type(uint24).max) << 56);
    return Rights.wrap(rest | (uint256(version) << 56));
}

/// @title Whether a signer may do what it signed
library SignerRights {
    /// @notice The signer, a delegate, may not do this.
    error SignerActNotAllowed(bytes32 handle, bytes32 signerHash, uint8 act, uint8 allowed);
    /// @notice The delegate's or guardian's last day is over.
    error SignerEnded(bytes32 handle, bytes32 signerHash, uint16 untilDay, uint256 today);
    /// @notice While a recovery is pending nothing widens.
    error SignerRecoveryPending(bytes32 handle);

    /// @dev Refuses an act that the signer's rights do not hold. Whether there are any is the caller's to check.
    function requireAct(
        Rights rights,
        HandleWord word,
        bytes32 handle,
        bytes32 signerHash,
        uint8 act
    ) internal view {
        if (act & WIDENING_ACTS != 0 && word.isRecovering()) revert SignerRecoveryPending(handle);
        requireNarrowing(rights, handle, signerHash, act);
    }

    /// @dev The same for an act that narrows, which no recovery stops.
    function requireNarrowing(Rights rights, bytes32 handle, bytes32 signerHash, uint8 act) internal view {
        SignerKind kind = rights.kindOf();
        if (kind == SignerKind.Owner || kind == SignerKind.Candidate) return;
        uint256 today = block.timestamp / 1 days;
        if (rights.untilDayOf() < today) revert SignerEnded(handle, signerHash, rights.untilDayOf(), today);
        if (kind == SignerKind.Delegate && rights.actsOf() & act == 0) {
            revert SignerActNotAllowed(handle, signerHash, act, rights.actsOf());
        }
    }
}
