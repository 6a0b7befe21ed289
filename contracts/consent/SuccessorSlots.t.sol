// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signers} from "../patients/Signers.sol";
import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {ConsentRegistry} from "./ConsentRegistry.sol";
import {ConsentSuccessor} from "./ConsentSuccessor.sol";
import {Grant, Reading, Revocation} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";

/// @title What a slot of a successor says, written here or still at the predecessor
contract SuccessorSlotsTest is ConsentExpectations {
    ConsentRegistry private old;
    ConsentSuccessor private next;

    function setUp() public override {
        super.setUp();
        old = consents;
        next = new ConsentSuccessor(members, patients, old);
    }

    function test_aReadingTakesTheSuccessorsOwnWordWhereThereIsOne() public {
        send(nextGrant(HANDLE, SCOPE));
        adopt();
        send(Revocation(HANDLE, SCOPE, 1));
        bytes32[] memory scopes = new bytes32[](1);
        scopes[0] = SCOPE;
        Reading memory reading = next.read(HANDLE, scopes, HOSPITAL_B, new bytes32[](0));
        vm.assertTrue(reading.words[0].stateOf() == ConsentState.Permit, "adopted, and not yet told of the end");
        vm.assertEq(reading.words[0].versionOf(), 1, "version");
        vm.assertTrue(old.wordOf(HANDLE, SCOPE).stateOf() == ConsentState.Silent, "ended there");
    }

    function test_whatIsSilentHereStaysSoWhateverIsGrantedThere() public {
        send(nextGrant(HANDLE, SCOPE));
        adopt();
        consents = next;
        send(Revocation(HANDLE, SCOPE, 1));
        ConsentWord silent = next.wordOf(HANDLE, SCOPE);
        consents = old;
        send(nextGrant(HANDLE, SCOPE));
        send(nextGrant(HANDLE, SCOPE));
        vm.assertEq(old.wordOf(HANDLE, SCOPE).versionOf(), 3, "further on there");
        adopt();
        vm.assertTrue(ConsentWord.unwrap(next.wordOf(HANDLE, SCOPE)) == ConsentWord.unwrap(silent), "as it was");
    }

    function test_aPermitThatEndedThereIsASilentWordHere() public {
        send(nextGrant(HANDLE, SCOPE));
        adopt();
        send(nextGrant(HANDLE, SCOPE));
        vm.warp(NOW + 12);
        adopt();
        uint256 expected = (uint256(2) << 192) | ((NOW + 12) << 160);
        vm.assertEq(ConsentWord.unwrap(next.wordOf(HANDLE, SCOPE)), expected, "nothing but version and time");
    }

    function test_aSignatureThatIsNoneCountsForNoneOfTheLine() public {
        consents = next;
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        bytes32 digest = revocationDigest(r);
        vm.expectRevert(badSignature(PATIENT_KEY, digest));
        next.revoke(r, signerOf(PATIENT_KEY), "");
        vm.expectRevert(badSignature(PATIENT_KEY, digest));
        next.revoke(r, signerOf(PATIENT_KEY), new bytes(65));
    }

    function test_aReadingLooksFurtherForEverySlot() public {
        bytes32[] memory scopes = new bytes32[](2);
        (scopes[0], scopes[1]) = (SCOPE, keccak256("another scope"));
        for (uint256 i = 0; i < 2; ++i) send(nextGrant(HANDLE, scopes[i]));
        Reading memory reading = next.read(HANDLE, scopes, HOSPITAL_B, new bytes32[](0));
        for (uint256 i = 0; i < 2; ++i) {
            vm.assertTrue(reading.words[i].stateOf() == ConsentState.Permit, "the predecessor's");
        }
    }

    function test_aSignerOfNoKindIsRefusedWithItsReason() public {
        consents = next;
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        bytes memory signature = sign(PATIENT_KEY, revocationDigest(r));
        uint256[5] memory lengths = [uint256(0), 19, 21, 115, 117];
        for (uint256 i = 0; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Signers.SignerNotSupported.selector, lengths[i]));
            next.revoke(r, new bytes(lengths[i]), signature);
        }
        bytes memory stranger = abi.encodePacked(address(this), new bytes(96));
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerVerifierUnknown.selector, address(this)));
        next.revoke(r, stranger, signature);
    }

    function test_aReferralThatIsNotThereIsNotAdoptedNorOneTwice() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = 2;
        send(g);
        bytes32[] memory referrals = new bytes32[](2);
        (referrals[0], referrals[1]) = (keccak256("a referral"), keccak256("one that nobody anchored"));
        vm.prank(OPERATOR_A);
        old.anchorReferral(HANDLE, SCOPE, referrals[0], TODAY);
        adopt();
        vm.recordLogs();
        next.adoptReferrals(HANDLE, SCOPE, referrals);
        vm.assertEq(vm.getRecordedLogs().length, 1, "the one that is there");
        next.adoptReferrals(HANDLE, SCOPE, referrals);
        vm.assertEq(vm.getRecordedLogs().length, 0, "once");
    }

    function adopt() private {
        bytes32[] memory scopes = new bytes32[](1);
        scopes[0] = SCOPE;
        next.adopt(HANDLE, scopes);
    }
}
