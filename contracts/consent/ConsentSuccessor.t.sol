// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPasskeyVerifier} from "../patients/IPasskeyVerifier.sol";
import {Signers} from "../patients/Signers.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {Passkeys} from "../test/Passkeys.t.sol";
import {vm} from "../test/Vm.t.sol";
import {ConsentRegistry} from "./ConsentRegistry.sol";
import {ConsentSuccessor} from "./ConsentSuccessor.sol";
import {
    Grant,
    Objection,
    Reading,
    Referral,
    Revocation,
    RevocationItem,
    RevocationList,
    Withdrawal
} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord, FLAG_MAY_REFER} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";
import {IConsentSuccessor} from "./IConsentSuccessor.sol";

/// @dev `consents`, which the helpers sign for and send to, is set to the one or the other.
contract ConsentSuccessorTest is ConsentExpectations, Passkeys {
    bytes32 private constant REFERRAL = keccak256("a referral");

    ConsentRegistry private old;
    ConsentSuccessor private next;

    function setUp() public override {
        super.setUp();
        old = consents;
        next = new ConsentSuccessor(members, patients, old);
    }

    function test_aSlotThatNobodyTouchedSaysWhatThePredecessorSays() public {
        send(nextGrant(HANDLE, SCOPE));
        requireEqual();
        vm.assertTrue(ConsentWord.unwrap(next.ownWordOf(HANDLE, SCOPE)) == 0, "nothing is written");
        bytes32[] memory scopes = new bytes32[](2);
        scopes[1] = SCOPE;
        Reading memory reading = next.read(HANDLE, scopes, HOSPITAL_B, new bytes32[](0));
        vm.assertTrue(reading.words[0].versionOf() == 0, "an empty slot");
        vm.assertTrue(ConsentWord.unwrap(reading.words[1]) == ConsentWord.unwrap(old.wordOf(HANDLE, SCOPE)), "read");
        send(Revocation(HANDLE, SCOPE, 1));
        requireEqual();
        vm.assertTrue(next.wordOf(HANDLE, SCOPE).stateOf() == ConsentState.Silent, "followed");
    }

    function test_adoptingCopiesAWordAsItIsAndOnce() public {
        send(nextGrant(HANDLE, SCOPE));
        ConsentWord word = old.wordOf(HANDLE, SCOPE);
        vm.warp(NOW + 5 days);
        vm.expectEmit(address(next));
        emit IConsentSuccessor.ConsentAdopted(HANDLE, SCOPE, word);
        next.adopt(HANDLE, one(SCOPE));
        vm.snapshotGasLastCall("consent", "adopting one slot");
        vm.assertTrue(ConsentWord.unwrap(next.ownWordOf(HANDLE, SCOPE)) == ConsentWord.unwrap(word), "as it is");
        vm.assertEq(next.wordOf(HANDLE, SCOPE).minedAtOf(), NOW, "even when it was mined");
        next.adopt(HANDLE, one(SCOPE));
        vm.assertTrue(ConsentWord.unwrap(next.ownWordOf(HANDLE, SCOPE)) == ConsentWord.unwrap(word), "once more");
    }

    function test_adoptingIsBounded() public {
        next.adopt(HANDLE, new bytes32[](256));
        bytes memory tooLong = abi.encodeWithSelector(IConsentRegistry.ConsentListTooLong.selector, 257, 256);
        vm.expectRevert(tooLong);
        next.adopt(HANDLE, new bytes32[](257));
        vm.expectRevert(tooLong);
        next.adoptReferrals(HANDLE, SCOPE, new bytes32[](257));
    }

    function test_whatIsSignedForTheSuccessorGoesOnFromThePredecessorsVersion() public {
        send(nextGrant(HANDLE, SCOPE));
        Grant memory early = nextGrant(HANDLE, SCOPE);
        early.version = 1;
        consents = next;
        bytes memory signature = sign(PATIENT_KEY, grantDigest(early));
        vm.expectRevert(versionMismatch(1, 2));
        next.grant(early, signerOf(PATIENT_KEY), signature);
        send(nextGrant(HANDLE, SCOPE));
        requireState(ConsentState.Permit, 2);
        vm.assertEq(old.wordOf(HANDLE, SCOPE).versionOf(), 1, "the predecessor stays");
        send(Objection(HANDLE, SCOPE, TERMS, 2));
        send(nextWithdrawal(HANDLE, SCOPE));
        requireState(ConsentState.Silent, 4);
    }

    function test_aRevocationSignedForThePredecessorCountsAtTheSuccessor() public {
        send(nextGrant(HANDLE, SCOPE));
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
        next.revoke(r, signerOf(PATIENT_KEY), signature);
        vm.snapshotGasLastCall("consent", "revocation signed for the predecessor");
        consents = next;
        requireState(ConsentState.Silent, 2);
        // Though a permit still stands at the predecessor.
        next.adopt(HANDLE, one(SCOPE));
        requireState(ConsentState.Silent, 2);
        send(nextGrant(HANDLE, SCOPE));
        next.revoke(r, signerOf(PATIENT_KEY), signature);
        requireState(ConsentState.Permit, 3);
    }

    function test_aListAndAnObjectionSignedForThePredecessorCountAsWell() public {
        send(nextGrant(HANDLE, SCOPE));
        RevocationList memory list = RevocationList(HANDLE, new RevocationItem[](1));
        list.items[0] = RevocationItem(SCOPE, 1);
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, 2);
        bytes memory listed = sign(PATIENT_KEY, revocationListDigest(list));
        bytes memory objected = sign(PATIENT_KEY, objectionDigest(o));
        consents = next;
        next.revokeMany(list, signerOf(PATIENT_KEY), listed);
        requireState(ConsentState.Silent, 2);
        next.object(o, signerOf(PATIENT_KEY), objected);
        requireState(ConsentState.Objection, 3);
    }

    function test_whatWidensCountsOnlyWhereItWasSignedFor() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        consents = next;
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        next.grant(g, signerOf(PATIENT_KEY), signature);

        consents = old;
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        signature = sign(PATIENT_KEY, withdrawalDigest(w));
        consents = next;
        vm.expectRevert(badSignature(PATIENT_KEY, withdrawalDigest(w)));
        next.withdrawObjection(w, signerOf(PATIENT_KEY), signature);
    }

    function test_aPasskeysRevocationForThePredecessorCountsAsWell() public {
        bindPasskey();
        bytes memory signer = passkeySigner();
        Grant memory g = nextGrant(PASSKEY_HANDLE, SCOPE);
        old.grant(g, signer, passkeySign(grantDigest(g)));
        Revocation memory r = Revocation(PASSKEY_HANDLE, SCOPE, 1);
        bytes memory signature = passkeySign(revocationDigest(r));
        next.revoke(r, signer, signature);
        vm.assertTrue(next.wordOf(PASSKEY_HANDLE, SCOPE).stateOf() == ConsentState.Silent, "ended");
        // One for a contract that is none of the line is refused with the passkey's own reason.
        consents = new ConsentRegistry(members, patients);
        signature = passkeySign(revocationDigest(r));
        (bool success, bytes memory reason) =
            address(next).call(abi.encodeCall(IConsentRegistry.revoke, (r, signer, signature)));
        vm.assertTrue(!success && bytes4(reason) == IPasskeyVerifier.PasskeyChallengeInvalid.selector, "challenge");
        // Nor does a signer of no kind, or with a verifier of its own, have anything asked of it.
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerNotSupported.selector, 21));
        next.revoke(r, new bytes(21), signature);
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerVerifierUnknown.selector, address(0)));
        next.revoke(r, new bytes(116), signature);
    }

    function test_nobodyElsesRevocationCounts() public {
        send(nextGrant(HANDLE, SCOPE));
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        bytes memory signature = sign(STRANGER_KEY, revocationDigest(r));
        consents = next;
        vm.expectRevert(badSignature(PATIENT_KEY, revocationDigest(r)));
        next.revoke(r, signerOf(PATIENT_KEY), signature);
        vm.expectRevert(notOwner(STRANGER_KEY));
        next.revoke(r, signerOf(STRANGER_KEY), signature);
        // Nor does the patient's for a contract that is none of the line.
        ConsentRegistry stranger = new ConsentRegistry(members, patients);
        consents = stranger;
        signature = sign(PATIENT_KEY, revocationDigest(r));
        consents = next;
        vm.expectRevert(badSignature(PATIENT_KEY, revocationDigest(r)));
        next.revoke(r, signerOf(PATIENT_KEY), signature);
    }

    function test_aGrantAtThePredecessorAfterAdoptionEndsThePermitAndPutsNothingInItsPlace() public {
        send(nextGrant(HANDLE, SCOPE));
        next.adopt(HANDLE, one(SCOPE));
        send(nextGrant(HANDLE, SCOPE));
        consents = next;
        requireState(ConsentState.Permit, 1);
        next.adopt(HANDLE, one(SCOPE));
        requireState(ConsentState.Silent, 2);
        next.adopt(HANDLE, one(SCOPE));
        requireState(ConsentState.Silent, 2);
    }

    function test_whatNarrowsAtThePredecessorAfterAdoptionNarrowsHere() public {
        send(nextGrant(HANDLE, SCOPE));
        next.adopt(HANDLE, one(SCOPE));
        send(Revocation(HANDLE, SCOPE, 1));
        next.adopt(HANDLE, one(SCOPE));
        consents = next;
        requireState(ConsentState.Silent, 2);
        consents = old;
        send(Objection(HANDLE, SCOPE, TERMS, 2));
        next.adopt(HANDLE, one(SCOPE));
        consents = next;
        requireState(ConsentState.Objection, 3);
        // Its withdrawal there ends nothing here.
        consents = old;
        send(nextWithdrawal(HANDLE, SCOPE));
        next.adopt(HANDLE, one(SCOPE));
        consents = next;
        requireState(ConsentState.Objection, 3);
    }

    function test_aGroupReachesWhoHadJoinedWhenTheGrantWasMinedNotWhenItWasAdopted() public {
        send(nextGrant(HANDLE, SCOPE));
        vm.warp(NOW + 1 days);
        members.joinGroup(keccak256("group"), HOSPITAL_B);
        next.adopt(HANDLE, one(SCOPE));
        uint64 joined = members.joinedAt(keccak256("group"), HOSPITAL_B);
        vm.assertTrue(next.wordOf(HANDLE, SCOPE).minedAtOf() < joined, "later");
    }

    function test_aReferralIsAdoptedWithItsPermit() public {
        refer();
        (Referral memory anchored, bool live) = next.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(!live && anchored.anchoredAt == 0, "not by itself");
        bytes32[] memory both = new bytes32[](2);
        (both[0], both[1]) = (REFERRAL, keccak256("none"));
        next.adoptReferrals(HANDLE, SCOPE, both);
        vm.snapshotGasLastCall("consent", "adopting a slot and a referral");
        (anchored, live) = next.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(live && anchored.anchoredAt == NOW, "as it was");
        next.adoptReferrals(HANDLE, SCOPE, both);
        consents = next;
        send(Revocation(HANDLE, SCOPE, 1));
        (, live) = next.referralOf(HANDLE, SCOPE, REFERRAL);
        vm.assertTrue(!live, "dead with its permit");
    }

    function test_aReferralMadeUnderAnotherPermitIsNotAdopted() public {
        refer();
        // Of the same version at both, but here nobody may refer.
        consents = next;
        send(Revocation(HANDLE, SCOPE, 0));
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        consents = old;
        g = nextGrant(HANDLE, SCOPE);
        g.flags = FLAG_MAY_REFER;
        send(g);
        vm.prank(OPERATOR_A);
        old.anchorReferral(HANDLE, SCOPE, keccak256("another"), TODAY);
        (ConsentWord own, ConsentWord theirs) = (next.wordOf(HANDLE, SCOPE), old.wordOf(HANDLE, SCOPE));
        vm.assertEq(own.versionOf(), theirs.versionOf(), "one version");
        vm.expectRevert(
            abi.encodeWithSelector(IConsentSuccessor.ConsentSlotDiffers.selector, HANDLE, SCOPE, own, theirs)
        );
        next.adoptReferrals(HANDLE, SCOPE, one(keccak256("another")));
    }

    function test_aSuccessorOfASuccessorTakesWhatWasSignedForAnyOfTheLine() public {
        send(nextGrant(HANDLE, SCOPE));
        ConsentSuccessor third = new ConsentSuccessor(members, patients, next);
        address[] memory line = third.predecessors();
        vm.assertTrue(line.length == 2 && line[0] == address(next) && line[1] == address(old), "the line");
        vm.assertEq(third.wordOf(HANDLE, SCOPE).versionOf(), 1, "through both");
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        third.revoke(r, signerOf(PATIENT_KEY), sign(PATIENT_KEY, revocationDigest(r)));
        consents = third;
        requireState(ConsentState.Silent, 2);
    }

    function test_aPredecessorIsAContract() public {
        vm.expectRevert(
            abi.encodeWithSelector(IConsentSuccessor.ConsentPredecessorMissing.selector, address(0xE0A))
        );
        new ConsentSuccessor(members, patients, ConsentRegistry(address(0xE0A)));
    }

    function test_slotsAreAdoptedInBatches() public {
        bytes[] memory calls = new bytes[](20);
        for (uint256 i = 0; i < calls.length; ++i) {
            bytes32 scope = keccak256(abi.encode("slot", i));
            send(nextGrant(HANDLE, scope));
            calls[i] = abi.encodeCall(IConsentSuccessor.adopt, (HANDLE, one(scope)));
        }
        next.batch(calls);
        vm.snapshotGasLastCall("consent", "adopting 20 slots in a batch");
        vm.assertEq(next.ownWordOf(HANDLE, keccak256(abi.encode("slot", 19))).versionOf(), 1, "the last");
    }

    function refer() private {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = FLAG_MAY_REFER;
        send(g);
        vm.prank(OPERATOR_A);
        old.anchorReferral(HANDLE, SCOPE, REFERRAL, TODAY + 10);
    }

    function requireEqual() private view {
        uint256 theirs = ConsentWord.unwrap(old.wordOf(HANDLE, SCOPE));
        vm.assertTrue(ConsentWord.unwrap(next.wordOf(HANDLE, SCOPE)) == theirs, "equal");
    }

    function one(bytes32 scope) private pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = scope;
    }
}
