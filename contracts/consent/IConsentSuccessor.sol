// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title Patients' consents, taken over from an earlier contract
/// @notice Does all that the consent registry does, on top of what its predecessor holds. Members and patients are those of
/// the same registries, so handles, locks, epochs and signers are the same.
///
/// A slot stands in one of two ways. Until anything has been written here, it says what the predecessor says, at every
/// block anew. `adopt` writes that down; so does the first act that is signed for this contract, which goes on from the
/// predecessor's version. From then on the slot is this contract's, and the predecessor can only narrow it: where it
/// has a higher version than the slot, an objection there stands here as well, and a permit here ends, whatever took its
/// place there.
///
/// What narrows (revocation, list of revocations, objection) counts as well where it was signed for a predecessor: the
/// calldata is the same. What widens (grant, renewal, withdrawal, approval) counts only where it was signed for this
/// contract.
///
/// Example: a slot holds a permit of version 3 at the predecessor. `wordOf` here says the same. `adopt(handle, [scope])`
/// keeps it. `Revocation(handle, scope, 3)`, signed for the predecessor and sent here, makes it silent at version 4; to
/// adopt once more changes nothing, for 3 < 4.
interface IConsentSuccessor is IConsentRegistry {
    /// @notice A slot was taken over from the predecessor, or was narrowed since the predecessor says so.
    event ConsentAdopted(bytes32 indexed handle, bytes32 indexed scope, ConsentWord word);

    /// @notice There is no contract at the predecessor's address.
    error ConsentPredecessorMissing(address predecessor);
    /// @notice The slot is not what it is at the predecessor, so that a referral made there means another permit.
    error ConsentSlotDiffers(bytes32 handle, bytes32 scope, ConsentWord word, ConsentWord predecessors);

    /// @notice Takes over slots of one patient, at most 256, or narrows those that were taken over before. Sent by anybody,
    /// as often as one likes: it never widens, and a second time changes nothing.
    function adopt(bytes32 handle, bytes32[] calldata scopes) external;

    /// @notice Takes over referrals that were anchored at the predecessor under a permit that is the same there and here,
    /// at most 256. Takes the slot over, too. Emits `ReferralAnchored`.
    function adoptReferrals(bytes32 handle, bytes32 scope, bytes32[] calldata referrals) external;

    /// @notice What has been written here in a slot; zero where it says what the predecessor says.
    function ownWordOf(bytes32 handle, bytes32 scope) external view returns (ConsentWord);

    /// @notice The contracts that came before this one, the youngest first. What narrows counts if signed for any of them.
    function predecessors() external view returns (address[] memory);
}
