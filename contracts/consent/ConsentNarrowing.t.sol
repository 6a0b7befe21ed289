// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ConsentExpectations} from "../test/ConsentExpectations.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Grant, Objection, Revocation, Withdrawal} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

contract ConsentNarrowingTest is ConsentExpectations {
    function test_aRevokedConsentIsSilent() public {
        send(nextGrant(HANDLE, SCOPE));
        vm.warp(NOW + 30);
        uint256 expected = ((NOW + 30) << 160) | (uint256(2) << 192);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentRevoked(
            HANDLE, SCOPE, ConsentWord.wrap(expected), signerHashOf(PATIENT_KEY)
        );
        send(Revocation(HANDLE, SCOPE, 1));
        vm.assertEq(ConsentWord.unwrap(consents.wordOf(HANDLE, SCOPE)), expected, "word");
    }

    function testFuzz_aRevocationUpToNLandsWhereNIsReachedAndElseChangesNothing(uint24 n, uint8 grants) public {
        grants %= 6;
        n = n == LAST ? LAST - 1 : n % 9;
        for (uint256 i = 0; i < grants; ++i) send(nextGrant(HANDLE, SCOPE));
        ConsentWord before = consents.wordOf(HANDLE, SCOPE);
        send(Revocation(HANDLE, SCOPE, n));
        if (n >= grants) {
            requireState(ConsentState.Silent, n + 1);
        } else {
            ConsentWord afterwards = consents.wordOf(HANDLE, SCOPE);
            vm.assertEq(ConsentWord.unwrap(afterwards), ConsentWord.unwrap(before), "unchanged");
        }
    }

    function test_anOldRevocationChangesNothingInALaterGrant() public {
        send(nextGrant(HANDLE, SCOPE));
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        send(r);
        send(nextGrant(HANDLE, SCOPE));
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentUnchanged(HANDLE, SCOPE, 1, 3);
        send(r);
        requireState(ConsentState.Permit, 3);
    }

    function test_aRevocationLandsAfterAnInterposedGrant() public {
        send(nextGrant(HANDLE, SCOPE));
        Revocation memory r = Revocation(HANDLE, SCOPE, 2);
        send(nextGrant(HANDLE, SCOPE));
        send(r);
        requireState(ConsentState.Silent, 3);
    }

    function test_aRevocationVoidsAGrantThatIsSignedButNotMined() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(Revocation(HANDLE, SCOPE, 1));
        vm.expectRevert(versionMismatch(1, 3));
        send(g);
    }

    function test_anObjectionOutlivesARevocation() public {
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        vm.warp(NOW + 30);
        send(Revocation(HANDLE, SCOPE, 4));
        ConsentWord word = consents.wordOf(HANDLE, SCOPE);
        uint256 expected = uint256(uint160(uint256(TERMS))) | ((NOW + 30) << 160) | (uint256(5) << 192);
        vm.assertEq(ConsentWord.unwrap(word), expected | (uint256(2) << 254), "word");
    }

    function test_aRevocationLandsWhileLockedWhileTheCustodianIsGoneAndLongAfterItWasSigned() public {
        send(nextGrant(HANDLE, SCOPE));
        lockHandle(HANDLE, 0);
        members.remove(HOSPITAL_A);
        vm.warp(NOW + 3650 days);
        send(Revocation(HANDLE, SCOPE, 1));
        requireState(ConsentState.Silent, 2);
    }

    function testFuzz_nobodyButTheOwnerRevokesOrObjects(uint256 key) public {
        key = 1 + (key % type(uint128).max);
        if (key == PATIENT_KEY) return;
        send(nextGrant(HANDLE, SCOPE));
        Revocation memory r = Revocation(HANDLE, SCOPE, 1);
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, 1);
        bytes memory revocation = sign(key, revocationDigest(r));
        bytes memory objection = sign(key, objectionDigest(o));

        vm.expectRevert(notOwner(key));
        consents.revoke(r, signerOf(key), revocation);
        vm.expectRevert(notOwner(key));
        consents.object(o, signerOf(key), objection);
        vm.expectRevert(badSignature(PATIENT_KEY, revocationDigest(r)));
        consents.revoke(r, signerOf(PATIENT_KEY), revocation);
        vm.expectRevert(badSignature(PATIENT_KEY, objectionDigest(o)));
        consents.object(o, signerOf(PATIENT_KEY), objection);
        requireState(ConsentState.Permit, 1);
    }

    function test_noVersionFollowsTheLast() public {
        Revocation memory r = Revocation(HANDLE, SCOPE, LAST);
        vm.expectRevert(versionExhausted());
        send(r);
        Objection memory o = Objection(HANDLE, SCOPE, TERMS, LAST);
        vm.expectRevert(versionExhausted());
        send(o);
    }

    function test_nothingIsPermittedThatCouldNotBeRevoked() public {
        send(Revocation(HANDLE, SCOPE, LAST - 2));
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.assertEq(g.version, LAST, "the last version is next");
        vm.expectRevert(versionExhausted());
        send(g);
        send(Revocation(HANDLE, SCOPE, LAST - 1));
        requireState(ConsentState.Silent, LAST);
    }

    // --- objecting, and withdrawing an objection ---

    function testFuzz_anObjectionFollowsTheRuleOfRevocations(uint24 n, uint8 grants, bytes32 terms) public {
        grants %= 6;
        n %= 9;
        for (uint256 i = 0; i < grants; ++i) send(nextGrant(HANDLE, SCOPE));
        uint256 word = ConsentWord.unwrap(consents.wordOf(HANDLE, SCOPE));
        if (n >= grants) {
            word = uint256(uint160(uint256(terms))) | (NOW << 160) | (uint256(n + 1) << 192) | (uint256(2) << 254);
            vm.expectEmit(address(consents));
            emit IConsentRegistry.ConsentObjected(
                HANDLE, SCOPE, ConsentWord.wrap(word), signerHashOf(PATIENT_KEY)
            );
        } else {
            vm.expectEmit(address(consents));
            emit IConsentRegistry.ConsentUnchanged(HANDLE, SCOPE, n, grants);
        }
        send(Objection(HANDLE, SCOPE, terms, n));
        vm.assertEq(ConsentWord.unwrap(consents.wordOf(HANDLE, SCOPE)), word, "word");
    }

    function test_anObjectionLandsWhileLocked() public {
        lockHandle(HANDLE, 0);
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        requireState(ConsentState.Objection, 1);
    }

    function test_aWithdrawnObjectionIsSilent() public {
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        uint256 expected = (NOW << 160) | (uint256(2) << 192);
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ObjectionWithdrawn(
            HANDLE, SCOPE, ConsentWord.wrap(expected), signerHashOf(PATIENT_KEY)
        );
        send(w);
        vm.assertEq(ConsentWord.unwrap(consents.wordOf(HANDLE, SCOPE)), expected, "word");
        vm.expectRevert(versionMismatch(2, 3));
        send(w);
    }

    function test_onlyAnObjectionIsWithdrawn() public {
        bytes memory nothing =
            abi.encodeWithSelector(IConsentRegistry.ConsentNoObjection.selector, HANDLE, SCOPE);
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);
        vm.expectRevert(nothing);
        send(w);
        send(nextGrant(HANDLE, SCOPE));
        w = nextWithdrawal(HANDLE, SCOPE);
        vm.expectRevert(nothing);
        send(w);
    }

    function test_aWithdrawalIsAWideningAct() public {
        send(Objection(HANDLE, SCOPE, TERMS, 0));
        Withdrawal memory w = nextWithdrawal(HANDLE, SCOPE);

        bytes memory foreign = sign(STRANGER_KEY, withdrawalDigest(w));
        vm.expectRevert(notOwner(STRANGER_KEY));
        consents.withdrawObjection(w, signerOf(STRANGER_KEY), foreign);
        vm.expectRevert(badSignature(PATIENT_KEY, withdrawalDigest(w)));
        consents.withdrawObjection(w, signerOf(PATIENT_KEY), foreign);

        lockHandle(HANDLE, 0);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleLocked.selector, HANDLE));
        send(w);
        unlockHandle(HANDLE, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentEpochMismatch.selector, HANDLE, 0, 1));
        send(w);

        w.version = 3;
        vm.expectRevert(versionMismatch(3, 2));
        send(w);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed());
        send(w);
        requireState(ConsentState.Objection, 1);
    }
}
