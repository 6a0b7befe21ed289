// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the patient says in a slot. Silent means: nothing, a wider slot may decide.
enum ConsentState {
    Silent,
    Permit,
    Objection
}

/// @notice One consent in one word, low to high:
///
/// | bits | |
/// |---|---|
/// | 0..159 | low 160 bits of the terms' struct hash |
/// | 160..191 | block time, in seconds, at which the word was mined |
/// | 192..215 | version |
/// | 216..231 | last day on which a permit counts, in days since 1970-01-01 UTC |
/// | 232..247 | first day, likewise |
/// | 248..253 | flags |
/// | 254..255 | state |
type ConsentWord is uint256;

using {stateOf, flagsOf, fromDayOf, untilDayOf, versionOf, minedAtOf, termsOf} for ConsentWord global;

/// @dev Only what is registered when the grant is mined, nothing later.
uint8 constant FLAG_SNAPSHOT_ONLY = 1;
/// @dev The grantee may refer the patient on.
uint8 constant FLAG_MAY_REFER = 2;
/// @dev Lands only together with the custodian's own approval.
uint8 constant FLAG_NEEDS_APPROVAL = 4;
/// @dev Reaches members that join the group, or the network, after the grant.
uint8 constant FLAG_LATER_JOINERS = 8;
/// @dev Set by the contract, never signed: the custodian's approval came with the grant.
uint8 constant FLAG_APPROVED = 16;
/// @dev Every flag that can be signed; other bits are refused.
uint8 constant ALL_FLAGS = 15;

/// @dev Builds a word mined at `minedAt`.
function packConsent(
    ConsentState state,
    uint8 flags,
    uint16 fromDay,
    uint16 untilDay,
    uint24 version,
    uint32 minedAt,
    uint160 terms
) pure returns (ConsentWord) {
    return ConsentWord.wrap(
        (uint256(state) << 254) | (uint256(flags) << 248) | (uint256(fromDay) << 232) | (uint256(untilDay) << 216)
            | (uint256(version) << 192) | (uint256(minedAt) << 160) | terms
    );
}

/// @dev Silent, permit or objection. The fourth value of the two bits is never written.
function stateOf(ConsentWord word) pure returns (ConsentState) {
    return ConsentState(ConsentWord.unwrap(word) >> 254);
}

/// @dev The flags that were signed, and whether an approval came.
function flagsOf(ConsentWord word) pure returns (uint8) {
    return uint8(ConsentWord.unwrap(word) >> 248) & 63;
}

/// @dev First day on which a permit counts.
function fromDayOf(ConsentWord word) pure returns (uint16) {
    return uint16(ConsentWord.unwrap(word) >> 232);
}

/// @dev Last day on which a permit counts.
function untilDayOf(ConsentWord word) pure returns (uint16) {
    return uint16(ConsentWord.unwrap(word) >> 216);
}

/// @dev Block time, in seconds, at which the word was mined.
function minedAtOf(ConsentWord word) pure returns (uint32) {
    return uint32(ConsentWord.unwrap(word) >> 160);
}

/// @dev Only ever rises, in every slot.
function versionOf(ConsentWord word) pure returns (uint24) {
    return uint24(ConsentWord.unwrap(word) >> 192);
}

/// @dev Low 160 bits of the struct hash of the terms; zero in a silent word.
function termsOf(ConsentWord word) pure returns (uint160) {
    return uint160(ConsentWord.unwrap(word));
}
