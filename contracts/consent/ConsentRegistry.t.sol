// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Signers} from "../patients/Signers.sol";
import {Acts} from "../test/Acts.t.sol";
import {vm} from "../test/Vm.t.sol";
import {Grant, Objection, Revocation, Withdrawal} from "./ConsentTypes.sol";
import {ConsentState, ConsentWord} from "./ConsentWord.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

contract ConsentRegistryTest is Acts {
    uint24 private constant LAST = type(uint24).max;

    // --- granting ---

    function testFuzz_aGrantIsOneWordThatHoldsAllOfIt(
        bytes32 scope,
        bytes32 terms,
        uint16 length,
        uint16 fromDay,
        uint8 flags
    ) public {
        length %= 3654;
        if (fromDay < TODAY - length) fromDay = TODAY - length;
        if (fromDay > type(uint16).max - length) fromDay = type(uint16).max - length;
        Grant memory g = nextGrant(HANDLE, scope);
        (g.terms, g.fromDay, g.untilDay, g.flags) = (terms, fromDay, fromDay + length, flags & 15);

        uint256 expected = uint256(uint160(uint256(terms)));
        expected |= NOW << 160;
        expected |= uint256(1) << 192;
        expected |= uint256(g.untilDay) << 216;
        expected |= uint256(g.fromDay) << 232;
        expected |= uint256(g.flags) << 248;
        expected |= uint256(1) << 254;
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentGranted(
            HANDLE, scope, ConsentWord.wrap(expected), signerHashOf(PATIENT_KEY)
        );
        send(g);
        vm.assertEq(ConsentWord.unwrap(consents.wordOf(HANDLE, scope)), expected, "word");
    }

    function testFuzz_anybodySendsAGrant(address sender) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        vm.prank(sender);
        consents.grant(g, signerOf(PATIENT_KEY), signature);
        requireState(ConsentState.Permit, 1);
    }

    function testFuzz_aGrantAlteredInAnyFieldIsRefused(uint8 field, uint64 change) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        field %= 6;
        if (field == 0) g.scope = keccak256(abi.encode(change));
        if (field == 1) g.terms = keccak256(abi.encode(change));
        if (field == 2) g.fromDay -= uint16(1 + (change % 1000));
        if (field == 3) g.untilDay += uint16(1 + (change % 1000));
        if (field == 4) g.flags = uint8(1 + (change % 15));
        if (field == 5) g.deadline += 1 + (change % 1000);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signerOf(PATIENT_KEY), signature);
    }

    function test_aGrantIsNotReplayed() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        vm.expectRevert(versionMismatch(1, 2));
        send(g);
    }

    function test_aGrantIsNotReplayedAfterRevocation() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        send(g);
        send(Revocation(HANDLE, SCOPE, 1));
        vm.expectRevert(versionMismatch(1, 3));
        send(g);
    }

    function testFuzz_aGrantNamesTheExactNextVersion(uint24 version) public {
        if (version == 1) version = 2;
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.version = version;
        vm.expectRevert(versionMismatch(version, 1));
        send(g);
    }

    function test_aGrantReplacesAGrantAndAnObjection() public {
        send(nextGrant(HANDLE, SCOPE));
        send(nextGrant(HANDLE, SCOPE));
        requireState(ConsentState.Permit, 2);
        send(Objection(HANDLE, SCOPE, TERMS, 2));
        requireState(ConsentState.Objection, 3);
        send(nextGrant(HANDLE, SCOPE));
        requireState(ConsentState.Permit, 4);
    }

    function test_aLateGrantIsRefused() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(deadlinePassed());
        send(g);
        vm.warp(DEADLINE);
        send(g);
    }

    function test_aPeriodBeginsBeforeItEndsAndLastsAtMostTenYears() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.fromDay, g.untilDay) = (TODAY + 1, TODAY);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodInverted.selector, TODAY + 1, TODAY)
        );
        send(g);
        (g.fromDay, g.untilDay) = (TODAY, TODAY + 3654);
        vm.expectRevert(
            abi.encodeWithSelector(IConsentRegistry.ConsentPeriodTooLong.selector, TODAY, TODAY + 3654, 3653)
        );
        send(g);
    }

    function test_aPeriodThatIsOverIsRefused() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        (g.fromDay, g.untilDay) = (TODAY - 9, TODAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentPeriodOver.selector, TODAY - 1, TODAY));
        send(g);
        g.untilDay = TODAY;
        send(g);
    }

    function testFuzz_unknownFlagsAreRefused(uint8 flags) public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        g.flags = flags | 16;
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentFlagsUnknown.selector, g.flags));
        send(g);
    }

    function test_nothingIsGrantedOnAnUnboundHandle() public {
        Grant memory g = nextGrant(keccak256("unbound"), SCOPE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleUnbound.selector, g.handle));
        send(g);
    }

    function testFuzz_nobodyButTheOwnerGrants(uint256 key) public {
        key = 1 + (key % type(uint128).max);
        if (key == PATIENT_KEY) return;
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(notOwner(key));
        send(g, key);

        bytes memory forged = sign(key, grantDigest(g));
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signerOf(PATIENT_KEY), forged);
    }

    function test_nothingIsGrantedWhileLocked() public {
        lockHandle(HANDLE, 0);
        Grant memory g = nextGrant(HANDLE, SCOPE);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentHandleLocked.selector, HANDLE));
        send(g);
        unlockHandle(HANDLE, 1);
        send(g);
    }

    function test_aGrantSignedBeforeALockIsVoidAfterIt() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        lockHandle(HANDLE, 0);
        unlockHandle(HANDLE, 1);
        vm.expectRevert(abi.encodeWithSelector(IConsentRegistry.ConsentEpochMismatch.selector, HANDLE, 0, 1));
        send(g);
    }

    function test_aSignatureForAnotherChainOrContractGrantsNothing() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory here = sign(PATIENT_KEY, grantDigest(g));
        bytes memory signer = signerOf(PATIENT_KEY);
        vm.chainId(4711);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signer, here);

        bytes32 asRevocation = revocationDigest(Revocation(HANDLE, SCOPE, 1));
        bytes memory other = sign(PATIENT_KEY, asRevocation);
        vm.expectRevert(badSignature(PATIENT_KEY, grantDigest(g)));
        consents.grant(g, signer, other);
    }

    function test_aSignerOfAnotherKindIsNotSupported() public {
        Grant memory g = nextGrant(HANDLE, SCOPE);
        bytes memory signature = sign(PATIENT_KEY, grantDigest(g));
        vm.expectRevert(abi.encodeWithSelector(Signers.SignerNotSupported.selector, 84));
        consents.grant(g, new bytes(84), signature);
    }

    // --- revoking ---

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

    // --- helpers ---

    function requireState(ConsentState state, uint24 version) private view {
        ConsentWord word = consents.wordOf(HANDLE, SCOPE);
        vm.assertEq(uint256(word.stateOf()), uint256(state), "state");
        vm.assertEq(word.versionOf(), version, "version");
    }

    function badSignature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Signers.SignerBadSignature.selector, signerHashOf(key), digest);
    }

    function notOwner(uint256 key) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentSignerNotOwner.selector, HANDLE, signerHashOf(key));
    }

    function versionMismatch(uint24 version, uint256 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentVersionMismatch.selector, HANDLE, SCOPE, version, expected
        );
    }

    function versionExhausted() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IConsentRegistry.ConsentVersionExhausted.selector, HANDLE, SCOPE, LAST);
    }

    function deadlinePassed() private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IConsentRegistry.ConsentDeadlinePassed.selector, HANDLE, DEADLINE, DEADLINE + 1
        );
    }
}
