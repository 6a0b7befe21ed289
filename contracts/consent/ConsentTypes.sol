// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Member} from "../members/MemberTypes.sol";
import {HandleWord} from "../patients/HandleWord.sol";
import {ConsentWord} from "./ConsentWord.sol";

// The signed acts. Field for field they are the EIP-712 types, with the nested `Scope` and `Terms` replaced by
// their struct hashes, so `keccak256(abi.encode(TYPEHASH, act))` is an act's own struct hash.

/// @notice Widens: permits what `terms` says to whom `scope` says.
/// @param handle The patient at one custodian.
/// @param scope Struct hash of grantee, purpose and a secret salt: the slot.
/// @param terms Struct hash of what is permitted, salted.
/// @param fromDay First day, in days since 1970-01-01 UTC.
/// @param untilDay Last day.
/// @param flags Bit set of the `FLAG_` constants.
/// @param version Exactly one more than the slot's.
/// @param epoch Exactly the handle's.
/// @param deadline Last block time, in seconds, at which the signature counts.
struct Grant {
    bytes32 handle;
    bytes32 scope;
    bytes32 terms;
    uint16 fromDay;
    uint16 untilDay;
    uint8 flags;
    uint24 version;
    uint32 epoch;
    uint64 deadline;
}

/// @notice Widens: the permit in the slot, its terms and flags as they are, lasts until another day. It begins where the
/// permit does, or today where that is past.
struct Renewal {
    bytes32 handle;
    bytes32 scope;
    bytes32 terms;
    uint16 untilDay;
    uint24 version;
    uint32 epoch;
    uint64 deadline;
}

/// @notice What some grants need besides the signature.
/// @param proof Merkle proof that the delegate may use the scope; empty for all others.
/// @param approvalDeadline Last block time, in seconds, at which the custodian's approval counts.
/// @param approval Signature over `Approval` by an account of the custodian, 65 bytes; empty where none is needed.
struct Backing {
    bytes32[] proof;
    uint64 approvalDeadline;
    bytes approval;
}

/// @notice Narrows: ends every permit in the slot up to a version.
struct Revocation {
    bytes32 handle;
    bytes32 scope;
    uint24 upToVersion;
}

/// @notice Narrows: one slot of a list.
struct RevocationItem {
    bytes32 scope;
    uint24 upToVersion;
}

/// @notice Narrows: many slots of one patient under one signature.
struct RevocationList {
    bytes32 handle;
    RevocationItem[] items;
}

/// @notice A grantee's passing on to another member, as the custodian anchored it.
/// @param parentVersion The version of the permit that it rests on; with any other it is dead.
/// @param untilDay Its last day.
/// @param anchoredAt Block time, in seconds; zero if there is none.
struct Referral {
    uint24 parentVersion;
    uint16 untilDay;
    uint64 anchoredAt;
}

/// @notice Narrows: replaces what is in the slot, up to a version, by an objection.
struct Objection {
    bytes32 handle;
    bytes32 scope;
    bytes32 terms;
    uint24 upToVersion;
}

/// @notice Widens: ends an objection.
struct Withdrawal {
    bytes32 handle;
    bytes32 scope;
    uint24 version;
    uint32 epoch;
    uint64 deadline;
}

/// @notice All that one decision needs, read at one block.
/// @param blockNumber The block it was read at.
/// @param blockTime Its time, in seconds.
/// @param custodian The handle's custodian, zero if unbound.
/// @param handleWord The handle's lock and epoch.
/// @param holder The state of the member that holds the handle.
/// @param grantee The asking member's state.
/// @param words The word of each scope asked for, in order.
/// @param joinedAt When the asking member joined each group asked for, in order; zero where it is not in it.
struct Reading {
    uint64 blockNumber;
    uint64 blockTime;
    bytes32 custodian;
    HandleWord handleWord;
    Member holder;
    Member grantee;
    ConsentWord[] words;
    uint64[] joinedAt;
}
